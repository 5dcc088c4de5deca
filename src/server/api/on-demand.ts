import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiOptions, Listener, Listeners } from './api.ts';
import { isApi } from './paths.ts';

export interface Api extends Listeners {
  /** Whether a request with this URL is for the API. */
  takes(url: string | undefined): boolean;
}

/**
 * The HTTP API: what a program in any language says to the hub. It is loaded with the first request for it: hono, zod
 * and the fetch of Node that hono is built on took 26 MiB in one reading.
 */
export function createApi(options: ApiOptions): Api {
  let loaded: Listeners | undefined;
  let loading: Promise<Listeners> | undefined;
  const load = async () => {
    const { buildApi } = await import('./api.ts');
    loaded ??= buildApi(options);
    return loaded;
  };
  const wait = async (which: keyof Listeners, request: IncomingMessage, response: ServerResponse) => {
    try {
      loading ??= load();
      (await loading)[which](request, response);
    } catch (err) {
      options.log?.error({ err }, 'the HTTP API could not be loaded');
      response.writeHead(500, { 'Content-Type': 'text/plain', Connection: 'close' }).end();
    }
  };
  const passTo =
    (which: keyof Listeners): Listener =>
    (request, response) => {
      if (loaded) loaded[which](request, response);
      else void wait(which, request, response);
    };
  return { handle: passTo('handle'), handleLocal: passTo('handleLocal'), takes: isApi };
}
