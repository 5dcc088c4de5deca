import { cookiesOf } from '../cookies.ts';

/**
 * The HTTP request with which a client connected: the handshake of a WebSocket, or the request of an event stream. It has
 * what sessions are found by.
 */
export interface VisitorRequest {
  /** Path and query, as the client wrote them: `/chat?room=42`. */
  readonly url: string;
  /** `/chat`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated values joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** By name, decoded. */
  readonly cookies: Readonly<Record<string, string | undefined>>;
  /** The client's IP address; behind a trusted proxy, what that says. */
  readonly remoteAddress: string;
  /** The origin of the page that the client runs in; absent for clients other than browsers. */
  readonly origin: string | undefined;
}

/** A request of which only a part is known, for a transport without HTTP and for tests. The rest follows, or is empty. */
export function visitorRequest(known: Partial<VisitorRequest>): VisitorRequest {
  const { url = '/', headers = {} } = known;
  const [path = '/', query] = url.split(/\?(.*)/s);
  return {
    url,
    path,
    query: new URLSearchParams(query),
    headers,
    cookies: cookiesOf(headers.cookie),
    remoteAddress: '',
    origin: headers.origin,
    ...known,
  };
}
