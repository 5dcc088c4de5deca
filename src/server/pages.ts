import type { IncomingMessage, ServerResponse } from 'node:http';
import { readAdminPage } from './admin/index.ts';
import { readChatPage } from './chat/index.ts';
import type { Config } from './config/index.ts';
import type { StaticFiles } from './http/index.ts';
import { answerText, readSdk } from './http/index.ts';

/**
 * The SDK and the pages that the configuration enables. The files are read at the first request, since a daemon that
 * only pushes does not need them. When that fails, the next request tries again.
 */
export class Pages {
  readonly #config: Pick<Config, 'chat' | 'admin'>;
  readonly #onError: (error: unknown) => void;
  #files: Promise<StaticFiles> | undefined;

  constructor(config: Pick<Config, 'chat' | 'admin'>, onError: (error: unknown) => void) {
    this.#config = config;
    this.#onError = onError;
  }

  /** It takes every request that the handlers before it left. */
  takes(): boolean {
    return true;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#files ??= readPages(this.#config);
    this.#files.then(
      (files) => files.handle(request, response),
      (error) => {
        this.#files = undefined;
        this.#onError(error);
        answerText(response, 500, 'The page cannot be read.\n');
      },
    );
  }
}

async function readPages({ chat, admin }: Pick<Config, 'chat' | 'admin'>): Promise<StaticFiles> {
  let files = await readSdk();
  if (admin) files = (await readAdminPage()).with(files);
  if (chat) files = (await readChatPage()).with(files);
  return files;
}
