import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Identity, Visitor } from '../../hub/index.ts';
import { ProtocolError, type Reason } from '../../protocol/index.ts';
import type { Config, LoginConfig } from '../config/index.ts';
import { type Log, ThrottledLog } from '../operations/index.ts';
import type { Change } from '../part.ts';
import { unavailable } from '../unavailable.ts';
import type { Application } from './application.ts';
import { type AddressOf, type Handshake, handshakeOf, tokenIn } from './credentials.ts';
import { KeysUnavailable } from './jwks.ts';
import { Login, type Session } from './login.ts';
import { withAddress } from './named-database.ts';
import { openUsers } from './open-users.ts';
import type { Scrypt } from './password.ts';
import { type TokenClaims, TokenRefused, Tokens } from './tokens.ts';
import type { UserTable } from './user-table.ts';

/** `databases`: for users whose database is named. */
export type AuthConfig = Pick<Config, 'secret' | 'auth'> & Partial<Pick<Config, 'databases'>>;

export interface AuthOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
  /** Finds the client's address behind proxies. Default: the peer's address. */
  readonly addressOf?: AddressOf;
  readonly scrypt?: Scrypt;
  /** The application's handler of `connect`, which a reload may change; undefined when it has none. */
  readonly application?: () => Application | undefined;
  /** Signs the daemon's own tokens where the config has no `secret`. It does not make tokens of others acceptable. */
  readonly spareSecret?: string;
  /** The file with the revocations if the users are in the application's own database. Default: in memory. */
  readonly revocations?: string | undefined;
}

/** RFC 7515 §3.1: three parts. The last may be empty, in a forged one. */
const JWT = /^[\w-]+\.[\w-]*\.[\w-]*$/;

/** The ways to be identified that one configuration offers. */
interface AuthMethods {
  readonly anonymous: boolean;
  readonly tokens: Tokens;
  /** Whether tokens in the form of a JWT are checked here, from any issuer. */
  readonly takesTokens: boolean;
  readonly login: Login | undefined;
  /** Where the users of the login are. */
  readonly place: LoginConfig['users'] | undefined;
}

/**
 * Identifies visitors. The first method below that applies decides alone. A credential that is refused is never tried
 * another way, so that a bad token does not make its sender an anonymous visitor.
 *
 * 1. user and password;
 * 2. a token: of `hi`, else of the header Authorization, else of the query's `token`. If there is a handler of `connect`,
 *    it judges the tokens that are not JWTs, and all tokens when neither `secret` nor `auth.jwt` is set;
 * 3. that handler, by the handshake's cookies and headers;
 * 4. anonymous, if the config allows it.
 *
 * @example
 * const auth = new Auth(config, { log });
 * await auth.open();
 * const hub = new Hub({ broker, connect: (visitor) => auth.connect(visitor) });
 */
export class Auth {
  readonly #first: AuthConfig;
  readonly #options: AuthOptions;
  readonly #log: ThrottledLog;
  readonly #now: () => number;
  /** By user: the time of the revocation, and its ordinal. Without a users table it is lost when the process ends. */
  readonly #revoked = new Map<string, { at: number; order: number }>();
  #revocations = 0;
  #methods: AuthMethods | undefined;

  constructor(config: AuthConfig, options: AuthOptions) {
    this.#first = config;
    this.#options = options;
    this.#log = new ThrottledLog(options.log, options.clock ?? systemClock);
    this.#now = options.now ?? Date.now;
  }

  /** Call once, before all else. @throws ZocaloError BAD_OPTION, STORE_FAILED. */
  async open(): Promise<void> {
    this.#methods = await this.#build(this.#first);
  }

  /** Switches to another config; keeps the current one when that fails. @throws as `open`. */
  async reload(config: AuthConfig): Promise<void> {
    (await this.prepare(config)).commit();
  }

  /** Prepares another config, which applies once it is committed. @throws as `open`. */
  async prepare(config: AuthConfig): Promise<Required<Change>> {
    const methods = await this.#build(config);
    const closeUsers = (dropped: AuthMethods | undefined, kept: AuthMethods | undefined) => {
      if (dropped?.login?.users !== kept?.login?.users) dropped?.login?.users.close();
    };
    return {
      commit: () => {
        const earlier = this.#methods;
        this.#methods = methods;
        closeUsers(earlier, methods);
      },
      discard: () => closeUsers(methods, this.#methods),
    };
  }

  close(): void {
    this.#methods?.login?.users.close();
    this.#methods = undefined;
  }

  async #build({ secret, auth, databases = {} }: AuthConfig): Promise<AuthMethods> {
    const {
      clock = systemClock,
      fetch: doFetch = (...call) => fetch(...call),
      scrypt,
      spareSecret,
      revocations,
    } = this.#options;
    const log = this.#log;
    const now = this.#now;
    const tokens = new Tokens({ secret: secret ?? spareSecret, jwt: auth.jwt, now, fetch: doFetch });
    await tokens.open();
    let login: Login | undefined;
    const place = auth.login && withAddress(auth.login.users, databases);
    if (auth.login && place !== undefined) {
      if (secret === undefined)
        throw new ZocaloError('BAD_OPTION', 'auth.login needs the key `secret`, which signs the session', {
          advice: 'run zocalo init to get one',
        });
      const kept = isDeepStrictEqual(this.#methods?.place, place) ? this.#methods?.login?.users : undefined;
      const users = kept ?? (await openUsers(place, { log, clock, now, scrypt, revocations }));
      login = new Login(auth.login, { users, tokens, log, clock });
    }
    const takesTokens = secret !== undefined || auth.jwt !== undefined;
    return { anonymous: auth.anonymous, tokens, takesTokens, login, place };
  }

  get #active(): AuthMethods {
    if (!this.#methods) throw new ZocaloError('UNEXPECTED', 'Auth is not open');
    return this.#methods;
  }

  /**
   * For `HubOptions.connect`. @throws ProtocolError UNAUTHORIZED with the reason; UNAVAILABLE or RATE_LIMITED with a
   * pause after which to try again.
   */
  async connect(visitor: Visitor): Promise<Identity> {
    const handshake = handshakeOf(visitor.request, this.#options.addressOf);
    if (!visitor.login) return this.#unlessRevoked(() => this.#judge(handshake, visitor.token ?? tokenIn(handshake)));
    const { user, password } = visitor.login;
    return this.login(user, password, handshake.address);
  }

  /** Discards a result when the user was revoked during the check: the client has to ask again. */
  async #unlessRevoked<Found extends Identity>(find: () => Promise<Found>): Promise<Found> {
    const before = this.#revocations;
    const found = await find();
    const order = found.user === undefined ? undefined : this.#revoked.get(found.user)?.order;
    if (order !== undefined && order > before) throw unavailable('your session was revoked while it was checked');
    return found;
  }

  /** @throws ProtocolError UNAUTHORIZED, RATE_LIMITED, UNAVAILABLE; NOT_OFFERED when there is no users table. */
  async login(user: unknown, password: unknown, address: string): Promise<Session> {
    const { login } = this.#active;
    if (!login) throw new ProtocolError('NOT_OFFERED', 'login by password is not offered here');
    return this.#unlessRevoked(() => login.login(user, password, address));
  }

  /** Whether logins can be checked, where that depends on a database; for `/health`. */
  health(): ReturnType<NonNullable<UserTable['health']>> | undefined {
    return this.#methods?.login?.users.health?.();
  }

  /** Signs a token. @throws ZocaloError BAD_OPTION when the config has no `secret`. */
  async mint(claims: TokenClaims): Promise<string> {
    return this.#active.tokens.mint(claims);
  }

  /**
   * Refuses the tokens of a user that were issued up to now: for good with a users table, else until the daemon ends.
   * It does not end the user's connections: do that afterwards. @throws ZocaloError STORE_FAILED.
   */
  revoke(user: string): void {
    const { login } = this.#active;
    // In both places, since a reload may remove the table.
    this.#revoked.set(user, { at: this.#now(), order: ++this.#revocations });
    login?.users.revoke(user);
    this.#log.write('info', 'revoked', { user }, 'the tokens of a user were revoked');
  }

  /** The same, if another node has revoked them; `at`: milliseconds since 1970. It is not stored here. */
  learnRevocation(user: string, at: number): void {
    if ((this.#revoked.get(user)?.at ?? Number.NEGATIVE_INFINITY) >= at) return;
    this.#revoked.set(user, { at, order: ++this.#revocations });
  }

  async #judge(handshake: Handshake, token: string | undefined): Promise<Identity> {
    const { anonymous, tokens, takesTokens } = this.#active;
    const application = this.#options.application?.();
    const isOurs = async (token: string) => JWT.test(token) && (takesTokens || (await tokens.claimsToBeOwn(token)));
    if (token !== undefined && (!application || (await isOurs(token)))) return this.#byToken(token, handshake);
    const verdict = application ? await application.ask(handshake, token) : { kind: 'unknown' as const };
    if (verdict.kind === 'known') return verdict.identity;
    if (verdict.kind === 'refused') throw unauthorized(verdict.message, 'REFUSED');
    // A token that is not accepted never makes an anonymous visitor.
    if (token !== undefined) throw unauthorized('the application does not know your token', 'TOKEN_INVALID');
    if (anonymous) return {};
    const how = application ? 'the application does not know you, and no token came' : 'no token came';
    throw unauthorized(`${how}; anonymous users are not accepted (auth.anonymous is false)`, 'NO_TOKEN');
  }

  async #byToken(token: string, { address }: Handshake): Promise<Identity> {
    try {
      const { user, issued, leeway, identity } = await this.#active.tokens.verify(token);
      const revoked = this.#revokedAt(user);
      if (revoked !== undefined && (issued === undefined || issued - leeway <= revoked))
        throw new TokenRefused('it was revoked, or its user is disabled', 'TOKEN_REVOKED');
      return identity;
    } catch (error) {
      if (error instanceof TokenRefused) {
        this.#log.write('info', 'token', { address }, `a token was refused: ${error.message}`);
        throw unauthorized(`the token is refused: ${error.message}`, error.reason);
      }
      if (error instanceof KeysUnavailable)
        this.#log.write('error', 'jwks', { reason: error.cause }, 'the keys at auth.jwt.jwks cannot be fetched');
      if (error instanceof ProtocolError) throw error;
      this.#log.write('error', 'token-broken', { reason: (error as Error).message }, 'a token could not be checked');
      throw unavailable('who you are cannot be checked just now');
    }
  }

  #revokedAt(user: string): number | undefined {
    const here = this.#revoked.get(user)?.at;
    const there = this.#active.login?.users.revokedAt(user);
    return here === undefined || there === undefined ? (here ?? there) : Math.max(here, there);
  }
}

function unauthorized(sentence: string, reason: Reason): ProtocolError {
  return new ProtocolError('UNAUTHORIZED', sentence, undefined, reason);
}
