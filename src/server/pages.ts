import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StaticFiles } from './static-files.ts';

/** Files that are read when somebody first asks for one: a daemon that only pushes does not hold them. */
export class Pages {
  readonly #read: () => Promise<StaticFiles>;
  readonly #onError: (error: unknown) => void;
  #files: Promise<StaticFiles> | undefined;

  constructor(read: () => Promise<StaticFiles>, onError: (error: unknown) => void) {
    this.#read = read;
    this.#onError = onError;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#files ??= this.#read();
    this.#files.then(
      (files) => files.handle(request, response),
      (error) => {
        this.#files = undefined;
        this.#onError(error);
        response.writeHead(500, { 'content-type': 'text/plain' }).end('The page cannot be read.\n');
      },
    );
  }
}
