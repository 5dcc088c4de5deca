import type { Hello, ProtocolError, Renewed } from '../protocol/index.ts';
import type { PacedLines } from './paced-lines.ts';
import type { Answer, Request } from './requests.ts';
import type { CredentialOptions, SessionOptions, Token } from './session-options.ts';

type Maybe<T> = T | null | undefined;

/** The share of a token's time after which another is fetched, which may take a while. */
const RENEW_AT = 0.9;
/** Milliseconds: for less, the connection is made anew. The same token again would be sent ever more often. */
const TOO_LATE = 1_000;

/** What it needs of the session. */
interface Renewable {
  readonly state: string;
  ask(verb: string, parts: string, answer: Answer): number;
  /** The request with this number, which gets its answer now. */
  take(id: number): Request | undefined;
}

/**
 * How a client with the option `token` or `login` identifies itself: what its `hi` says, and new tokens for a
 * connection that stays. Loaded by those clients alone.
 */
export class Credentials {
  readonly #session: Renewable;
  readonly #options: SessionOptions;
  readonly #lines: PacedLines;
  readonly #onError: (error: Error) => void;
  /** Given, since an import would make a third file, which every page loads. */
  readonly #ProtocolError: typeof ProtocolError;
  #renewal: Promise<void> | undefined;
  #cancelRenewal = () => {};

  constructor(
    session: Renewable,
    options: SessionOptions,
    lines: PacedLines,
    onError: (error: Error) => void,
    error: typeof ProtocolError,
  ) {
    this.#session = session;
    this.#options = options;
    this.#lines = lines;
    this.#onError = onError;
    this.#ProtocolError = error;
  }

  /** Fetches a new token and sends it to the server. Rejects when there is none, or it is refused. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    const token = await askToken(this.#options.token);
    if (!token) throw new this.#ProtocolError('UNAUTHORIZED', 'there is no token');
    // The next connection starts with a new token anyway.
    if (this.#session.state !== 'open') return;
    const renewed = await new Promise<unknown>((ok, err) =>
      this.#session.ask('auth', `${JSON.stringify(token)}]`, { ok, err, lost: () => ok(null) }),
    );
    this.renewBefore((renewed as Renewed | null)?.expiresIn);
  }

  /** Fetches another token in time, so that the connection stays. */
  renewBefore(expiresIn = 0): void {
    this.#cancelRenewal();
    if (expiresIn > TOO_LATE && this.#options.token instanceof Function)
      this.#cancelRenewal = this.#options.clock.after(RENEW_AT * expiresIn, () => this.renew().catch(this.#onError));
  }

  /** The connection is lost. */
  stop(): void {
    this.#cancelRenewal();
  }

  /** Keeps a request that was refused with UNAUTHORIZED for a new token. False if that would not help. */
  hold(request: Request, error: ProtocolError): boolean {
    if (request.isRenewed || !this.#options.token) return false;
    request.isRenewed = true;
    request.due = Infinity;
    if (this.#lines.held.push(request) === 1)
      this.renew().then(
        () => this.#release(),
        () => this.#release(error),
      );
    return true;
  }

  /** A new token has been sent, or there was an error. */
  #release(error?: ProtocolError): void {
    const held = this.#lines.held.splice(0);
    if (error) for (const { id } of held) this.#session.take(id)?.err(error);
    this.#lines.addFirst(error ? [] : held);
  }
}

const answerOf = <T>(given: T | (() => T | Promise<T>)) => (given instanceof Function ? given() : given);

/** Fetches the contents of the next `hi`; `given` is the token from an earlier login. */
export async function prepareHello({ token, login }: CredentialOptions, given: string | undefined): Promise<Hello> {
  const known = token ? await askToken(token) : given;
  if (known || token || !login) return known ? { token: known } : {};
  const { user, password } = await answerOf(login);
  return { login: [user, password] };
}

async function askToken(given: Maybe<Token>): Promise<Maybe<string>> {
  const token = await answerOf(given);
  if (typeof (token ?? '') === 'string') return token;
  throw new TypeError('`token` is not a string');
}
