import type { Hello } from '../protocol/index.ts';

type Maybe<T> = T | null | undefined;

/** A token, or a function that returns one. '' or null: connect without one. */
export type Token = string | (() => Maybe<string> | Promise<Maybe<string>>);

/** A user and a password, as typed. Requested only when there is no token from an earlier login. */
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

/** Fetches the contents of the next `hi`; `given` is the token from an earlier login. Never rejects. */
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
  throw new TypeError('`token` is not a string');
}
