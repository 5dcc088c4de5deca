import type { Hello } from '../protocol/index.ts';

type Maybe<T> = T | null | undefined;

/** A token, or what answers one. Where it is '' or null, the client comes without one. */
export type Token = string | (() => Maybe<string> | Promise<Maybe<string>>);

/** A user and a password, as somebody types them. Asked for only when no token is left of an earlier welcome. */
export interface Login {
  user: string;
  password: string;
}

/** How the client logs in. */
export interface Credentials {
  token?: Maybe<Token>;
  login?: (() => Login | Promise<Login>) | undefined;
}

const answerOf = <T>(given: T | (() => T | Promise<T>)) => (given instanceof Function ? given() : given);

/** Asks for what the next `hi` says; `given` is the token of an earlier welcome. Never rejects. */
export async function prepareHello(
  { token, login }: Credentials,
  given: string | undefined,
): Promise<Hello | { error: Error }> {
  try {
    const known = token ? await askToken(token) : given;
    if (known || token || !login) return known ? { token: known } : {};
    const { user, password } = await answerOf(login);
    return { login: [user, password] };
  } catch (error) {
    return { error: error as Error };
  }
}

export async function askToken(given: Maybe<Token>): Promise<Maybe<string>> {
  const token = await answerOf(given);
  if (typeof (token ?? '') === 'string') return token;
  throw new TypeError('`token` is no text');
}
