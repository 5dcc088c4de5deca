import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerText } from '../http/index.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface ProbesOptions {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
  /** The state of each source, for `/health`. A source that fails does not make the daemon unhealthy. */
  readonly sources?: () => Readonly<Record<string, object>>;
  /** How the last event of each handler went, likewise. */
  readonly handlers?: () => Readonly<Record<string, object>>;
  /** Whether logins can be checked, likewise; undefined where they depend on no database. */
  readonly login?: () => object | undefined;
  /** The same for sinks. */
  readonly sinks?: () => Readonly<Record<string, object>>;
  /** Whether the header Authorization carries a key that can `read`. */
  readonly mayRead: (authorization: string | undefined) => boolean;
}

type Answer = readonly [status: number, body: string, type?: string];

const LOOPBACK = /^(::1|127\.\d+\.\d+\.\d+|::ffff:127\.\d+\.\d+\.\d+)$/;
/** Headers that proxies add. With one of them, the loopback address is the proxy's and not the client's. */
const BY_PROXY = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'];

/** For monitoring: does it work (`/health`), may it get new users (`/ready`), and its figures (`/metrics`). */
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
    if (trouble !== undefined) return error(503, 'UNAVAILABLE', trouble);
    const sources = someOf(this.#options.sources?.());
    const sinks = someOf(this.#options.sinks?.());
    const handlers = someOf(this.#options.handlers?.());
    const login = this.#options.login?.();
    return [200, `${JSON.stringify({ ok: true, sources, sinks, handlers, login })}\n`];
  }

  #mayRead({ headers, socket }: IncomingMessage): boolean {
    const isLocal = socket.remoteAddress === undefined || LOOPBACK.test(socket.remoteAddress);
    return (isLocal && !BY_PROXY.some((name) => name in headers)) || this.#options.mayRead(headers.authorization);
  }
}

function someOf(entries: Readonly<Record<string, object>> = {}): object | undefined {
  return Object.keys(entries).length > 0 ? entries : undefined;
}

function error(status: number, code: string, message: string): Answer {
  return [status, `${JSON.stringify({ code, message })}\n`];
}
