import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProtocolError } from '../../protocol/index.ts';
import type { PushSource } from '../../sources/index.ts';
import { answerText, type Handler, readBytes } from '../http/index.ts';

/** Bytes of a call: a page of records has some kilobytes, a photograph some hundreds. */
const MOST = 4 * 1024 * 1024;

export interface PushHandlerOptions {
  readonly sources: () => readonly PushSource[];
  readonly addressOf: (request: IncomingMessage) => string;
  readonly onError: (error: unknown) => void;
}

/** Answers devices that call by HTTP. Their answers wait until what they brought is stored. */
export class PushHandler implements Handler {
  readonly #options: PushHandlerOptions;

  constructor(options: PushHandlerOptions) {
    this.#options = options;
  }

  takes(url = ''): boolean {
    const [path = ''] = url.split('?');
    return this.#options.sources().some((source) => source.takes(path));
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request, response).catch((error: unknown) => {
      if (response.destroyed || response.headersSent) return;
      if (!(error instanceof ProtocolError)) this.#options.onError(error);
      const status = !(error instanceof ProtocolError) ? 503 : error.code === 'TOO_LARGE' ? 413 : 400;
      answerText(response, status, 'not taken\n', { headers: { connection: 'close' } });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sources, addressOf } = this.#options;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const call = { method: request.method ?? '', path, query: new URLSearchParams(query) };
    const candidates = sources().filter((source) => source.takes(path));
    const source = candidates.find((one) => one.knows(call)) ?? candidates[0]!;
    const bytes = await readBytes(request, MOST);
    const { status, text } = await source.answer({
      ...call,
      address: addressOf(request),
      body: bytes.toString('latin1'),
      signal: gone.signal,
    });
    answerText(response, status, text);
  }
}
