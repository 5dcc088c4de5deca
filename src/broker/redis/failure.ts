import { type ErrorCode, ZocaloError } from '../../errors.ts';

interface Kind {
  readonly code: ErrorCode;
  readonly advice?: string;
}

const RETRIED = 'nothing was stored; it is tried again by itself, and repeating this with its key is safe';
const RIGHTS = 'check user and password in the address, and the rights of that user: docs/cluster.md lists them';

/** First words of Redis's error replies, https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors. */
const REPLIES: Readonly<Record<string, Kind>> = {
  OOM: {
    code: 'LOG_FULL',
    advice: 'nothing was stored: raise maxmemory, keep less (`keep`), or delete other data, then publish again',
  },
  READONLY: {
    code: 'LOG_READ_ONLY',
    advice: 'nothing was stored: this is a replica; give the address of the primary, or of its sentinels',
  },
  MISCONF: { code: 'LOG_READ_ONLY', advice: 'nothing was stored: Redis cannot save to its disk; see its log' },
  NOREPLICAS: {
    code: 'LOG_READ_ONLY',
    advice: 'nothing was stored: too few replicas are connected; see INFO replication',
  },
  LOADING: { code: 'LOG_UNREACHABLE', advice: RETRIED },
  MASTERDOWN: { code: 'LOG_UNREACHABLE', advice: RETRIED },
  CLUSTERDOWN: { code: 'LOG_UNREACHABLE', advice: RETRIED },
  TRYAGAIN: { code: 'LOG_UNREACHABLE', advice: RETRIED },
  MOVED: { code: 'LOG_UNREACHABLE', advice: 'this is a server of a cluster: write the address as redis+cluster://…' },
  ASK: { code: 'LOG_UNREACHABLE', advice: RETRIED },
  STALE: { code: 'LOG_UNREACHABLE', advice: RETRIED },
  BUSY: { code: 'LOG_UNREACHABLE', advice: 'a script of another program holds the server; it is tried again' },
  UNBLOCKED: { code: 'LOG_FAILED' },
  NOAUTH: { code: 'LOG_DENIED', advice: RIGHTS },
  WRONGPASS: { code: 'LOG_DENIED', advice: RIGHTS },
  NOPERM: { code: 'LOG_DENIED', advice: RIGHTS },
  WRONGTYPE: {
    code: 'LOG_UNSUITABLE',
    advice: 'another program uses this name: delete that key, or give Zócalo a prefix or a database of its own',
  },
};

/** The first word of an error reply. Scripts of Redis 6.2 put it behind a prefix of their own. */
export function wordOf(error: unknown): string {
  const message = String((error as Error).message ?? error);
  const [, inner] =
    /^ERR Error running script [^:]*: @\w+:\s*\d+:\s*(?:@\w+:\s*\d+:\s*)?-?([A-Z]+)\b/.exec(message) ?? [];
  return inner ?? /^-?([A-Z]+)\b/.exec(message)?.[1] ?? '';
}

/** What Redis or its driver said, as an error of ours that says at which address. */
export function redisFailure(place: string, cause: unknown): ZocaloError {
  if (cause instanceof ZocaloError) return cause;
  const { message = String(cause), name } = cause as Error;
  const kind = REPLIES[wordOf(cause)];
  if (kind) return new ZocaloError(kind.code, `${place}: ${message}`, { ...kind, cause });
  if (/DB index is out of range/.test(message))
    return new ZocaloError('LOG_UNSUITABLE', `${place}: ${message}`, {
      advice: 'Redis has no database of this number: correct the address, or raise `databases` in redis.conf',
      cause,
    });
  // An error reply, not a lost connection: the script has failed, and nothing of it was stored.
  if (name === 'ReplyError' && !/^ERR (no such|invalid) password|AUTH/i.test(message))
    return new ZocaloError('LOG_FAILED', `${place}: ${message}`, { cause });
  if (name === 'ReplyError') return new ZocaloError('LOG_DENIED', `${place}: ${message}`, { advice: RIGHTS, cause });
  return new ZocaloError('LOG_FAILED', `${place}: the connection was lost before an answer came`, { cause });
}

/** None of the sentinels has named a primary. `last`: what the last one of them said, by the driver. */
export function sentinelFailure(place: string, last: Error): ZocaloError {
  const [, said = last.message] = / because (.*)$/.exec(last.message) ?? [];
  if (/invalid reply: null|No such master/.test(said))
    return new ZocaloError('LOG_UNREACHABLE', `${place}: the sentinels know no primary of this name`, {
      advice: 'SENTINEL MASTERS lists the names; it is tried again by itself',
    });
  // The driver does not tell why a handshake of TLS has failed.
  const hint = place.startsWith('rediss')
    ? ' Do the sentinels have a tls-port, and a certificate that is trusted (?ca= in the address)?'
    : '';
  if (!/^(NOAUTH|WRONGPASS|NOPERM)\b/.test(said))
    return unreachable(place, new Error(`no sentinel answers: ${said}${hint}`));
  return new ZocaloError('LOG_DENIED', `${place}: a sentinel says ${said}`, {
    advice: 'sentinels have passwords of their own: add ?sentinelPassword= to the address, and ?sentinelUser=',
  });
}

/** Codes of Node for certificates: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const UNTRUSTED = /SELF_SIGNED|^UNABLE_TO_|^CERT_|^ERR_TLS_CERT|^INVALID_CA|^HOSTNAME_MISMATCH/;

/** There is no connection: nothing was sent. */
export function unreachable(place: string, cause?: unknown): ZocaloError {
  if (cause instanceof ZocaloError) return cause;
  if (cause instanceof Error && (wordOf(cause) in REPLIES || /DB index/.test(cause.message)))
    return redisFailure(place, cause);
  if (UNTRUSTED.test((cause as NodeJS.ErrnoException | undefined)?.code ?? ''))
    return new ZocaloError(
      'LOG_UNSUITABLE',
      `${place} has a certificate that is not trusted: ${reasonOf(cause as Error)}`,
      {
        advice:
          'add ?ca= and the PEM file of its authority to the address, or set NODE_EXTRA_CA_CERTS; check the host name',
        cause,
      },
    );
  const why = cause instanceof Error ? reasonOf(cause) : 'the connection was lost';
  return new ZocaloError('LOG_UNREACHABLE', `${place} cannot be reached: ${why}`, { cause });
}

function reasonOf(cause: Error & { errors?: readonly Error[]; lastNodeError?: Error }): string {
  return (
    cause.message ||
    cause.errors?.map(({ message }) => message).join(', ') ||
    (cause as NodeJS.ErrnoException).code ||
    cause.name
  );
}
