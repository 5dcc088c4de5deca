import type { IncomingMessage, ServerResponse } from 'node:http';

import { answerText } from './answer.ts';

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers the requests that it takes. */
export interface Handler {
  /** Whether a request with this URL is for it. */
  takes(url: string | undefined): boolean;
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Passes each request to the first handler that takes it. An error thrown goes to `onError`, and is answered with 500. */
export function route(handlers: readonly Handler[], onError: (error: unknown) => void) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    try {
      handlers.find((handler) => handler.takes(request.url))?.handle(request, response);
    } catch (error) {
      onError(error);
      if (response.headersSent) response.destroy();
      else answerText(response, 500, 'The request failed.\n', { headers: { connection: 'close' } });
    }
  };
}
