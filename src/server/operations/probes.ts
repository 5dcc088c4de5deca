import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerText } from '../http/index.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface ProbesOptions {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
  /** Whether the header Authorization carries a key that can `read`. */
  readonly mayRead: (authorization: string | undefined) => boolean;
}

type Answer = readonly [status: number, body: string, type?: string];

const LOOPBACK = /^(::1|127\.\d+\.\d+\.\d+|::ffff:127\.\d+\.\d+\.\d+)$/;
/** What a proxy adds: then the loopback address is the proxy's, and says nothing about who asks. */
const BY_PROXY = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'];

/** What watches over the daemon asks: is it well (`/health`), may users be sent to it (`/ready`), and the figures (`/metrics`). */
export class Probes {
  readonly #options: ProbesOptions;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  takes(url = ''): boolean {
    return /^\/(health|ready|metrics)(\?|$)/.test(url);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const answered = this.#answer(request).catch((): Answer => error(500, 'INTERNAL', 'the answer could not be made'));
    void answered.then(([status, body, type = 'application/json']) => {
      const headers = { 'content-type': type, ...(status === 405 && { allow: 'GET, HEAD' }) };
      answerText(response, status, body, { headers });
    });
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { health, metrics, isDraining } = this.#options;
    const { method, url = '' } = request;
    if (method !== 'GET' && method !== 'HEAD') return error(405, 'METHOD_NOT_ALLOWED', 'GET it');
    if (url.startsWith('/metrics'))
      return this.#mayRead(request)
        ? [200, metrics.text(), metrics.contentType]
        : error(401, 'UNAUTHORIZED', 'send an API key that can read, or ask from this machine itself');
    if (url.startsWith('/ready') && isDraining()) return error(503, 'SHUTTING_DOWN', 'the daemon stops');
    const trouble = await health.check();
    return trouble === undefined ? [200, '{"ok":true}\n'] : error(503, 'UNAVAILABLE', trouble);
  }

  #mayRead({ headers, socket }: IncomingMessage): boolean {
    const isLocal = socket.remoteAddress === undefined || LOOPBACK.test(socket.remoteAddress);
    return (isLocal && !BY_PROXY.some((name) => name in headers)) || this.#options.mayRead(headers.authorization);
  }
}

function error(status: number, code: string, message: string): Answer {
  return [status, `${JSON.stringify({ code, message })}\n`];
}
