import type { TestContext } from 'node:test';
import type { Config } from '../../../src/server/config/index.ts';
import { Daemon } from '../../../src/server/daemon.ts';
import { createLog } from '../../../src/server/operations/index.ts';
import { FakeFanOut, Guest } from '../../hub/fake-wire.ts';
import { API_KEY } from '../../support/config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { handshake, START } from '../auth/auth-fixture.ts';

export const PASSWORD = 'correct horse battery';

/** A daemon whose clock stands still, and ways to look at it. */
export class Place {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly daemon: Daemon;
  readonly #fanOut = new FakeFanOut();
  readonly #t: TestContext;
  #count = 0;

  constructor(t: TestContext, config: Config) {
    this.#t = t;
    const log = createLog(config.log, { write: (line) => this.lines.push(line), isTerminal: false });
    const { clock } = this;
    this.daemon = new Daemon(config, { log, version: '0', clock, now: () => START + clock.now() });
  }

  async start(): Promise<this> {
    this.#t.after(() => this.daemon.stop());
    await this.daemon.start();
    this.daemon.hub.addFanOut(this.#fanOut);
    return this;
  }

  /** A channel of the entry `c:*` that nobody has used before. */
  channel(): string {
    return `c:${++this.#count}`;
  }

  /** Somebody unknown, who is in. */
  async guest(request = handshake()): Promise<Guest> {
    const guest = new Guest(this.daemon.hub, this.#fanOut, request);
    this.#t.after(() => guest.connection.lost());
    await guest.ask('hi', {});
    return guest;
  }

  async ask(
    path: string,
    { key = API_KEY, body, headers = {} }: Partial<Record<'key' | 'body', string>> & { headers?: object } = {},
  ) {
    const authorization = { authorization: `Bearer ${key}` };
    const post = body !== undefined && { method: 'POST', body };
    return fetch(this.daemon.addresses[0] + path, { headers: { ...(key && authorization), ...headers }, ...post });
  }

  async status(path: string, options: Parameters<Place['ask']>[1] = {}): Promise<number> {
    const response = await this.ask(path, options);
    await response.body?.cancel();
    return response.status;
  }

  /** The user as whom a token comes in, or the code of the refusal. */
  enter(token?: string): Promise<unknown> {
    const visit = this.daemon.auth.connect({ token, request: handshake() });
    return visit.then(
      ({ user }) => user ?? 'a stranger',
      ({ code }) => code,
    );
  }

  login(): Promise<{ user?: string; expiresIn?: number; code?: string }> {
    return this.daemon.auth.login('ana', PASSWORD, '192.0.2.1').catch(({ code }) => ({ code }));
  }
}

export interface Case {
  /** What else the configuration needs. */
  readonly base?: object;
  /** The value before the reload, and after it. */
  readonly values: readonly [unknown, unknown];
  /** What is seen of each. */
  readonly sees: readonly [unknown, unknown];
  readonly look: (place: Place) => unknown;
  /** Looking ends the daemon, so that the first look is at another one. */
  readonly isLast?: boolean;
}

/** By the key's path. */
export type Cases = Readonly<Record<string, Case | ((t: TestContext) => Case | Promise<Case>)>>;
