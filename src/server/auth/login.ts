import type { Clock } from '../../clock.ts';
import type { Identity } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { Semaphore } from '../../semaphore.ts';
import type { LoginConfig } from '../config/index.ts';
import { neighbourhood } from '../http/index.ts';
import type { ThrottledLog } from '../operations/index.ts';
import { busy } from '../unavailable.ts';
import { LoginThrottle } from './login-throttle.ts';
import type { Tokens } from './tokens.ts';
import { isUserId } from './user-id.ts';
import type { UserTable } from './user-table.ts';

/** A user who logged in with a password, and the token with which they reconnect. */
export interface Session extends Identity {
  readonly user: string;
  readonly token: string;
  readonly expiresIn: number;
}

/** Checks at a time, of 32 MiB each. Node has four threads for such work, and needs them for files and DNS as well. */
const AT_ONCE = 2;
/** Logins that may wait: as many as a slow machine checks within the time limit. */
const WAITING = 32;
/** Failures without a pause: a few typing errors of a user; more of an address, which a whole office may share. */
const FREE = { user: 5, address: 20 } as const;

const tooMany = () => busy('too many clients are logging in just now');

/** Checks user and password against the users table: few at a time, and with growing pauses after failures. */
export class Login {
  readonly users: UserTable;
  readonly #config: LoginConfig;
  readonly #tokens: Tokens;
  readonly #log: ThrottledLog;
  readonly #clock: Clock;
  readonly #semaphore = new Semaphore(AT_ONCE, { queueLimit: WAITING, refusal: tooMany });
  readonly #byUser: LoginThrottle;
  readonly #byAddress: LoginThrottle;

  constructor(config: LoginConfig, parts: { users: UserTable; tokens: Tokens; log: ThrottledLog; clock: Clock }) {
    this.#config = config;
    this.users = parts.users;
    this.#tokens = parts.tokens;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#byUser = new LoginThrottle(parts.clock, FREE.user);
    this.#byAddress = new LoginThrottle(parts.clock, FREE.address);
  }

  /**
   * @throws ProtocolError UNAUTHORIZED, the same for a wrong user and a wrong password; RATE_LIMITED with a pause after
   * failures; UNAVAILABLE with a pause when the machine is busy or the table cannot be read.
   */
  async login(user: unknown, password: unknown, address: string): Promise<Session> {
    if (!isUserId(user) || typeof password !== 'string')
      throw new ProtocolError('UNAUTHORIZED', 'user and password must be texts', undefined, 'LOGIN_FAILED');
    const neighbours = neighbourhood(address);
    const key = this.users.keyOf(user);
    const pause = Math.max(this.#byUser.pauseOf(key), this.#byAddress.pauseOf(neighbours));
    if (pause > 0) {
      this.#log.write('warn', 'login-paused', { address }, 'a login was refused unchecked: too many failed before it');
      throw new ProtocolError('RATE_LIMITED', 'too many logins failed', pause);
    }
    this.#byUser.add(key);
    this.#byAddress.add(neighbours);
    const found = await this.#inTime(() => this.users.verify(user, password)).catch((error) => {
      // This attempt does not count as a failure.
      this.#byUser.takeBack(key);
      this.#byAddress.takeBack(neighbours);
      throw error;
    });
    if (!found.user) {
      // An unknown name may be a password, typed in the wrong field: only known names are logged.
      const who = found.known ? { user, address } : { address };
      this.#log.write(
        'warn',
        'login-failed',
        who,
        found.known ? 'a login failed' : 'a login of an unknown user failed',
      );
      throw new ProtocolError('UNAUTHORIZED', 'no such user and password', undefined, 'LOGIN_FAILED');
    }
    this.#byUser.forget(key);
    this.#byAddress.takeBack(neighbours);
    const { rights } = found.user;
    const expiresIn = this.#config.session;
    const token = await this.#tokens.mint({ user: found.user.user, rights, expiresIn });
    return { user: found.user.user, token, expiresIn, ...(rights && { rights }) };
  }

  /** A check cannot be stopped once it has begun: it keeps its permit even after the time limit. */
  async #inTime<T>(check: () => Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    let isLate = false;
    const cancel = this.#clock.after(this.#config.timeLimit, () => {
      isLate = true;
      late.reject(busy('the login took too long'));
    });
    // Skip the hash when the deadline has passed.
    const checked = this.#semaphore.run(async () => (isLate ? late.promise : check()));
    try {
      return await Promise.race([checked, late.promise]);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#log.write('error', 'login-broken', { reason: (error as Error).message }, 'a login could not be checked');
      throw busy('logins cannot be checked just now');
    } finally {
      cancel();
      checked.catch(() => {}); // a late failure is dropped
    }
  }
}
