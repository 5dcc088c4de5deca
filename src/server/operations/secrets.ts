import { ZocaloError } from '../../errors.ts';

const HIDDEN = '[hidden]';
/** The names of fields whose values are hidden: `token`, `apiKey`, `set-cookie`, `password`. */
const SECRET_NAME = /(authorization|cookies?|tokens?|passwords?|passphrase|keys?|secrets?|tickets?)$/i;
/** Credentials anywhere in a text: a JWT, what follows `Bearer` or `token=`, `user:password@` in a URL. */
const CREDENTIAL = new RegExp(
  [
    /\beyJ[\w-]+\.[\w-]+\.[\w-]*/,
    /(?<=\b(?:Bearer|Basic) +)[\w.~+/=-]+/,
    /(?<=(?:token|key|secret|password)=)[^\s"'&\\]+/,
    /(?<=:\/\/)[^\s"/@\\]+(?=@)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
);
/** How deep nested objects are copied; it also ends circular references. */
const DEPTH = 6;

/** A copy for the log, without the values of secret fields at any depth. */
export function hideSecrets(fields: object): Record<string, unknown> {
  return hideIn(fields, DEPTH) as Record<string, unknown>;
}

/** The text without credentials and without `secrets`. JSON stays JSON. */
export function hideCredentials(text: string, secrets: Iterable<string>): string {
  let rest = text;
  for (const secret of secrets) rest = rest.replaceAll(secret, HIDDEN);
  return rest.replace(CREDENTIAL, HIDDEN);
}

function hideIn(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (depth === 0) return '[deeper]';
  if (value instanceof Error) return hideIn(describe(value), depth);
  if (Array.isArray(value)) return value.map((item) => hideIn(item, depth - 1));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if ('toJSON' in value) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isSecret(name, item) ? HIDDEN : hideIn(item, depth - 1)]),
  );
}

/** A number of tokens, for example, is not secret. */
function isSecret(name: string, value: unknown): boolean {
  return SECRET_NAME.test(name) && typeof value !== 'number' && typeof value !== 'boolean' && value !== undefined;
}

/** Our own errors: code and message. Unexpected errors: the stack too. */
function describe(error: Error): object {
  const { code } = error as { code?: unknown };
  return {
    ...(code !== undefined && { code }),
    message: error.message,
    ...(!(error instanceof ZocaloError) && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: error.cause }),
  };
}
