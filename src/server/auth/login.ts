import type { Clock } from '../../clock.ts';
import type { Identity } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { Semaphore } from '../../semaphore.ts';
import type { LoginConfig } from '../config/index.ts';
import { neighbourhood } from '../http/index.ts';
import type { SparseLog } from '../operations/index.ts';
import { busy } from './busy.ts';
import { Failures } from './failures.ts';
import type { Tokens } from './tokens.ts';
import type { Users } from './users.ts';

/** Somebody who logged in with a password, and the token by which they come back. */
export interface Session extends Identity {
  readonly user: string;
  readonly token: string;
  readonly expiresIn: number;
}

/** Checks at a time, of 32 MiB each: Node has four threads for such work, which files and names need as well. */
const AT_ONCE = 2;
/** Who waits behind them: as many as are done within the time limit, on a slow machine. */
const WAITING = 32;
/** Failures that cost nothing: a typing error or two; and of an address, behind which a whole office may be. */
const FREE = { user: 5, address: 20 } as const;
const COME_BACK = 2_000;
const NAME_LENGTH = 255;

/** User and password, checked against the users table: few at a time, and ever more slowly after failures. */
export class Login {
  readonly users: Users;
  readonly #config: LoginConfig;
  readonly #tokens: Tokens;
  readonly #log: SparseLog;
  readonly #clock: Clock;
  readonly #semaphore = new Semaphore(AT_ONCE, { queueLimit: WAITING, refusal: busy });
  readonly #byUser: Failures;
  readonly #byAddress: Failures;

  constructor(config: LoginConfig, parts: { users: Users; tokens: Tokens; log: SparseLog; clock: Clock }) {
    this.#config = config;
    this.users = parts.users;
    this.#tokens = parts.tokens;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#byUser = new Failures(parts.clock, FREE.user);
    this.#byAddress = new Failures(parts.clock, FREE.address);
  }

  /**
   * @throws ProtocolError UNAUTHORIZED, whether it was the user or the password that was wrong; RATE_LIMITED with a
   *   pause after failures; UNAVAILABLE with one when the machine is busy or the table cannot be read.
   */
  async login(user: unknown, password: unknown, address: string): Promise<Session> {
    if (typeof user !== 'string' || typeof password !== 'string' || user === '' || user.length > NAME_LENGTH)
      throw new ProtocolError('UNAUTHORIZED', 'user and password must be texts', undefined, 'LOGIN_FAILED');
    const neighbours = neighbourhood(address);
    const pause = Math.max(this.#byUser.pauseOf(user), this.#byAddress.pauseOf(neighbours));
    if (pause > 0) {
      this.#log.write('warn', 'login-paused', { address }, 'a login was not looked at: too many failed before it');
      throw new ProtocolError('RATE_LIMITED', 'too many logins failed', pause);
    }
    this.#byUser.add(user);
    this.#byAddress.add(neighbours);
    const found = await this.#inTime(() => this.users.verify(user, password)).catch((error) => {
      // Nobody was found wrong.
      this.#byUser.takeBack(user);
      this.#byAddress.takeBack(neighbours);
      throw error;
    });
    if (!found.user) {
      // What was typed in the wrong field may be a password: only a name that exists is written down.
      const who = found.known ? { user, address } : { address };
      this.#log.write(
        'warn',
        'login-failed',
        who,
        found.known ? 'a login failed' : 'a login of an unknown user failed',
      );
      throw new ProtocolError('UNAUTHORIZED', 'no such user and password', undefined, 'LOGIN_FAILED');
    }
    this.#byUser.forget(user);
    this.#byAddress.takeBack(neighbours);
    const { rights } = found.user;
    const expiresIn = this.#config.session;
    const token = await this.#tokens.mint({ user, rights, expiresIn });
    return { user, token, expiresIn, ...(rights && { rights }) };
  }

  /** A check that was begun cannot be stopped: it keeps its permit, though nobody waits for it. */
  async #inTime<T>(check: () => Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    let isLate = false;
    const cancel = this.#clock.after(this.#config.timeLimit, () => {
      isLate = true;
      late.reject(new ProtocolError('UNAVAILABLE', 'the login took too long', COME_BACK));
    });
    // Skip the hash when the deadline has passed.
    const checked = this.#semaphore.run(async () => (isLate ? late.promise : check()));
    try {
      return await Promise.race([checked, late.promise]);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#log.write('error', 'login-broken', { reason: (error as Error).message }, 'a login could not be checked');
      throw new ProtocolError('UNAVAILABLE', 'logins cannot be checked just now', COME_BACK);
    } finally {
      cancel();
      checked.catch(() => {}); // of one that was late, nobody else hears
    }
  }
}
