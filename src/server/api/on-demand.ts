import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, type Listener } from '../http/index.ts';
import type { ApiOptions, Listeners } from './api.ts';
import { isApi } from './paths.ts';

export interface Api extends Listeners {
  /** Whether a request with this URL is for the API. */
  takes(url: string | undefined): boolean;
}

/** The API's own module, with zod, which validates requests. */
export const loadApi = () => import('./api.ts');

/**
 * The HTTP API, through which a program in any language uses the hub. Its module is evaluated at the first request. In
 * the published package that reads no file (see scripts/build.ts), so that it works even when the file table is full or
 * the package was replaced meanwhile.
 */
export function createApi(options: ApiOptions): Api {
  let loaded: Listeners | undefined;
  let loading: Promise<Listeners> | undefined;
  const load = async () => {
    const { buildApi } = await loadApi();
    loaded ??= buildApi(options);
    return loaded;
  };
  const wait = async (which: keyof Listeners, request: IncomingMessage, response: ServerResponse) => {
    try {
      loading ??= load();
      (await loading)[which](request, response);
    } catch (err) {
      loading = undefined; // the next request tries again
      options.log?.error({ err }, 'the HTTP API could not be loaded');
      const body = { code: 'UNAVAILABLE', message: 'the API cannot be loaded just now; the log says why' };
      answer(response, 503, body, { headers: { 'retry-after': '1', connection: 'close' } });
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
