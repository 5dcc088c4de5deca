import type { IncomingMessage, ServerResponse } from 'node:http';

import { answerText } from './answer.ts';

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Something that answers requests. */
export interface Handler {
  /** Whether a request with this URL is for it. */
  takes(url: string | undefined): boolean;
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Hands each request to the first that takes it. What a handler throws is told to `onError`, and is a 500. */
export function route(handlers: readonly Handler[], onError: (error: unknown) => void) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    try {
      handlers.find((handler) => handler.takes(request.url))?.handle(request, response);
    } catch (error) {
      onError(error);
      if (response.headersSent) response.destroy();
      else answerText(response, 500, 'It failed.\n', { headers: { connection: 'close' } });
    }
  };
}
