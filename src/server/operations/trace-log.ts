import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller, HubObserver, Trace } from '../../hub/index.ts';
import type { Log } from './log.ts';

/** How many characters of a text are shown. */
const SHOWN = 500;
/** Members and verbs whose values are credentials. */
const SECRETS =
  /("(?:token|ticket|resume)":)"(?:[^"\\]|\\.)*"|("login":)\[[^\]]*\]|(^|\n)(\["auth",\d+,)"(?:[^"\\]|\\.)*"/g;
const MARKS = { in: '<', out: '>', all: '>>' } as const;

/** Writes each text in (<), out (>) and to all of a topic (>>) at the level debug, without tokens and passwords. */
export function traceTo(log: Log): Trace {
  return (direction, text, who) => {
    const safe = withoutSecrets(text);
    const shown = safe.length > SHOWN ? `${safe.slice(0, SHOWN)}… (${safe.length} characters)` : safe;
    log.debug(about(who), `${MARKS[direction]} ${shown}`);
  };
}

/** Logs each refusal of a client's request, and why. */
export function refusalsTo(log: Log): HubObserver {
  return {
    onRefused: (who, code, { message, channel }) =>
      log.debug({ ...about(who), ...(channel !== undefined && { channel }) }, `refused with ${code}: ${message}`),
  };
}

/** Logs each HTTP request with the status of its answer. */
export function tracedRequests(log: Log, handle: (request: IncomingMessage, response: ServerResponse) => void) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { method, url } = request;
    response.once('finish', () => log.debug({ status: response.statusCode }, `${method} ${url}`));
    handle(request, response);
  };
}

/** A line of the protocol without credentials. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRETS, (_, member, login, start, auth) =>
    member ? `${member}"[hidden]"` : login ? `${login}["[hidden]"]` : `${start}${auth}"[hidden]"`,
  );
}

function about(who: Caller | undefined): object {
  if (!who) return {};
  return { connection: who.id, ...(who.user !== undefined && { user: who.user }) };
}
