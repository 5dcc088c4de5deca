import type { IncomingMessage, ServerResponse } from 'node:http';
import { JsonText } from '../../protocol/index.ts';
import { failureOf } from './failure.ts';
import type { Route } from './route.ts';

/**
 * The way past hono for what comes most often: a program's POST to a fixed path. Hono's own request and response cost
 * more than all the rest of a publication; everything out of the ordinary still goes there.
 */
export class Shortcuts {
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(routes: readonly Route[]) {
    const fixed = routes.filter(({ method, path }) => method === 'POST' && !path.includes(':'));
    this.#routes = new Map(fixed.map((route) => [route.path, route]));
  }

  of({ method, url = '', headers }: IncomingMessage, maxBody: number): Route | undefined {
    // A page's request needs the headers of CORS, and a body that may be too long ends its connection.
    const isPlain = method === 'POST' && headers.origin === undefined && Number(headers['content-length']) <= maxBody;
    return isPlain ? this.#routes.get(url) : undefined;
  }
}

/** Sends what `work` comes to, as hono would. */
export async function reply(
  response: ServerResponse,
  work: Promise<unknown>,
  report: (what: string, cause: unknown) => void,
): Promise<void> {
  const send = (status: number, headers: Readonly<Record<string, string>>, answer: unknown) => {
    const text = answer instanceof JsonText ? answer.text : JSON.stringify(answer);
    response.writeHead(status, {
      ...headers,
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Content-Length': Buffer.byteLength(text),
    });
    response.end(text);
  };
  try {
    send(200, {}, await work);
  } catch (error) {
    const { status, headers, body } = failureOf(error, report);
    send(status, headers, body);
  }
}
