import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Identity, Visitor } from '../../hub/index.ts';
import { ProtocolError, type Reason } from '../../protocol/index.ts';
import type { Config } from '../config/index.ts';
import { type Log, SparseLog } from '../operations/index.ts';
import type { Change } from '../part.ts';
import { type AddressOf, type Handshake, handshakeOf, tokenIn } from './credentials.ts';
import { Hook } from './hook.ts';
import { KeysUnavailable } from './jwks.ts';
import { Login, type Session } from './login.ts';
import type { Scrypt } from './password.ts';
import { type TokenClaims, TokenRefused, Tokens } from './tokens.ts';
import { Users } from './users.ts';

export type AuthConfig = Pick<Config, 'secret' | 'auth'>;

export interface AuthOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
  /** The client's address of a request, where proxies stand in front. Default: the other end of the socket. */
  readonly addressOf?: AddressOf;
  readonly scrypt?: Scrypt;
  /** Signs the daemon's own tokens where the config has no `secret`. What others signed is then no more taken than without it. */
  readonly spareSecret?: string;
}

/** RFC 7515 §3.1: three parts, the last of which a forger may leave empty. */
const JWT = /^[\w-]+\.[\w-]*\.[\w-]*$/;

/** Milliseconds after which somebody comes back who could not be judged just now. */
const COME_BACK = 3_000;

/** What one config comes to. */
interface Doors {
  readonly anonymous: boolean;
  readonly tokens: Tokens;
  /** Whether tokens in the form of a JWT are checked here, whoever issued them. */
  readonly takesTokens: boolean;
  readonly login: Login | undefined;
  readonly hook: Hook | undefined;
}

/**
 * Says who a visitor is. The first of these that there is decides, alone: what is wrong is never tried as something
 * else, so that nobody who shows a bad token comes in as a stranger.
 *
 * 1. user and password;
 * 2. a token: of `hi`, else of the header Authorization, else the query's `token`. What does not have the form of a JWT,
 *    or any without `secret` and `auth.jwt`, is the hook's to judge, if there is one;
 * 3. the hook, by the handshake's cookies and headers; whom it does not know is
 * 4. a stranger, who may come in if the config says so.
 *
 * @example
 * const auth = new Auth(config, { log });
 * await auth.open();
 * const hub = new Hub({ broker, connect: (visitor) => auth.connect(visitor) });
 */
export class Auth {
  #config: AuthConfig;
  readonly #options: AuthOptions;
  readonly #log: SparseLog;
  readonly #now: () => number;
  /** Its time, and its ordinal among all revocations. Without a users table it is lost when the process ends. */
  readonly #revoked = new Map<string, { at: number; order: number }>();
  #revocations = 0;
  #doors: Doors | undefined;

  constructor(config: AuthConfig, options: AuthOptions) {
    this.#config = config;
    this.#options = options;
    this.#log = new SparseLog(options.log, options.clock ?? systemClock);
    this.#now = options.now ?? Date.now;
  }

  /** Call once, before all else. @throws ZocaloError BAD_OPTION, STORE_FAILED. */
  async open(): Promise<void> {
    this.#doors = await this.#build(this.#config);
  }

  /** Takes another config, or, when that fails, goes on with the one it has. @throws as `open`. */
  async reload(config: AuthConfig): Promise<void> {
    (await this.prepare(config)).commit();
  }

  /** Another config, which holds once it is committed. @throws as `open`. */
  async prepare(config: AuthConfig): Promise<Required<Change>> {
    const doors = await this.#build(config);
    const replace = (one: Doors | undefined, other: Doors | undefined) => {
      if (one?.login?.users !== other?.login?.users) one?.login?.users.close();
    };
    return {
      commit: () => {
        const earlier = this.#doors;
        this.#doors = doors;
        this.#config = config;
        replace(earlier, doors);
      },
      discard: () => replace(doors, this.#doors),
    };
  }

  close(): void {
    this.#doors?.login?.users.close();
    this.#doors = undefined;
  }

  async #build({ secret, auth }: AuthConfig): Promise<Doors> {
    const { clock = systemClock, fetch: doFetch = (...call) => fetch(...call), scrypt, spareSecret } = this.#options;
    const log = this.#log;
    const now = this.#now;
    const tokens = new Tokens({ secret: secret ?? spareSecret, jwt: auth.jwt, now, fetch: doFetch });
    await tokens.open();
    const hook = auth.hook && new Hook(auth.hook, { log });
    let login: Login | undefined;
    if (auth.login) {
      if (secret === undefined)
        throw new ZocaloError('BAD_OPTION', 'auth.login needs the key `secret`, which signs the session', {
          advice: 'run zocalo init to get one',
        });
      const isSame = this.#config.auth.login?.users === auth.login.users;
      let users = isSame ? this.#doors?.login?.users : undefined;
      if (!users) {
        users = new Users(auth.login.users, { now, ...(scrypt && { scrypt }) });
        await users.open();
      }
      login = new Login(auth.login, { users, tokens, log, clock });
    }
    const takesTokens = secret !== undefined || auth.jwt !== undefined;
    return { anonymous: auth.anonymous, tokens, takesTokens, login, hook };
  }

  get #open(): Doors {
    if (!this.#doors) throw new ZocaloError('UNEXPECTED', 'Auth is not open');
    return this.#doors;
  }

  /**
   * For `HubOptions.connect`. @throws ProtocolError UNAUTHORIZED with the reason; UNAVAILABLE, RATE_LIMITED with a pause:
   * then come back.
   */
  async connect(visitor: Visitor): Promise<Identity> {
    const handshake = handshakeOf(visitor.request, this.#options.addressOf);
    if (!visitor.login) return this.#unlessRevoked(() => this.#judge(handshake, visitor.token ?? tokenIn(handshake)));
    const { user, password } = visitor.login;
    return this.login(user, password, handshake.address);
  }

  /** A result from before a revocation that arrives after it does not count: the client has to ask again. */
  async #unlessRevoked<Found extends Identity>(find: () => Promise<Found>): Promise<Found> {
    const before = this.#revocations;
    const found = await find();
    const order = found.user === undefined ? undefined : this.#revoked.get(found.user)?.order;
    if (order !== undefined && order > before)
      throw new ProtocolError('UNAVAILABLE', 'your session was revoked while it was checked', COME_BACK);
    return found;
  }

  /** @throws ProtocolError UNAUTHORIZED, RATE_LIMITED, UNAVAILABLE; NOT_OFFERED when there is no users table. */
  async login(user: unknown, password: unknown, address: string): Promise<Session> {
    const { login } = this.#open;
    if (!login) throw new ProtocolError('NOT_OFFERED', 'nobody can log in by a password here');
    return this.#unlessRevoked(() => login.login(user, password, address));
  }

  /** Signs a token. @throws ZocaloError BAD_OPTION when the config has no `secret`. */
  async mint(claims: TokenClaims): Promise<string> {
    return this.#open.tokens.mint(claims);
  }

  /**
   * Refuses the tokens of a user that were issued up to now: for good with a users table, else until the daemon ends.
   * Then disconnect the user, whose connections go on otherwise. @throws ZocaloError STORE_FAILED.
   */
  revoke(user: string): void {
    const { login } = this.#open;
    // In both places: a reload may take the table away.
    this.#revoked.set(user, { at: this.#now(), order: ++this.#revocations });
    login?.users.revoke(user);
    this.#log.write('info', 'revoked', { user }, 'the tokens of a user were revoked');
  }

  async #judge(handshake: Handshake, token: string | undefined): Promise<Identity> {
    const { anonymous, tokens, takesTokens, hook } = this.#open;
    const isOurs = async (token: string) => JWT.test(token) && (takesTokens || (await tokens.claimsToBeOwn(token)));
    if (token !== undefined && (!hook || (await isOurs(token)))) return this.#byToken(token, handshake);
    const verdict = hook ? await hook.ask(handshake, token) : { kind: 'unknown' as const };
    if (verdict.kind === 'known') return verdict.identity;
    if (verdict.kind === 'refused') throw unauthorized("the application's hook refuses you", 'REFUSED');
    // Somebody with a token is no stranger: it was to say who they are.
    if (token !== undefined) throw unauthorized("the application's hook does not know your token", 'TOKEN_INVALID');
    if (anonymous) return {};
    const how = hook ? 'the hook does not know you, and no token came' : 'no token came';
    throw unauthorized(`${how}; strangers are not let in (auth.anonymous is false)`, 'NO_TOKEN');
  }

  async #byToken(token: string, { address }: Handshake): Promise<Identity> {
    try {
      const { user, issued, leeway, identity } = await this.#open.tokens.verify(token);
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
        this.#log.write('error', 'jwks', { reason: error.cause }, 'the keys at auth.jwt.jwks cannot be had');
      if (error instanceof ProtocolError) throw error;
      this.#log.write('error', 'token-broken', { reason: (error as Error).message }, 'a token could not be checked');
      throw new ProtocolError('UNAVAILABLE', 'who you are cannot be checked just now', COME_BACK);
    }
  }

  #revokedAt(user: string): number | undefined {
    const here = this.#revoked.get(user)?.at;
    const there = this.#open.login?.users.revokedAt(user);
    return here === undefined || there === undefined ? (here ?? there) : Math.max(here, there);
  }
}

function unauthorized(sentence: string, reason: Reason): ProtocolError {
  return new ProtocolError('UNAUTHORIZED', sentence, undefined, reason);
}
