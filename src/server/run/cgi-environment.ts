import type { Variables } from '../../programs/index.ts';
import type { UpgradeRequest } from '../../websocket/index.ts';

export interface CgiOptions {
  /** `zocalo/0.1.0` */
  readonly software: string;
  /** A name of the connection, different from all others. */
  readonly id: string;
  /** Whether the client has connected with TLS. */
  readonly isSecure: boolean;
}

/**
 * What a handshake says, as variables of the Common Gateway Interface (RFC 3875 §4.1), with the names that websocketd
 * uses. A header `Proxy` is left out: as HTTP_PROXY it would send the program's own requests through a stranger's
 * machine.
 */
export function cgiEnvironment(request: UpgradeRequest, { software, id, isSecure }: CgiOptions): Variables {
  const { host = '', ...headers } = request.headers;
  const [, name = '', port = isSecure ? '443' : '80'] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host) ?? [];
  const path = decoded(request.path);
  const query = request.url.indexOf('?');
  const variables: Record<string, string | undefined> = {
    SERVER_SOFTWARE: software,
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: name,
    SERVER_PORT: port,
    REQUEST_METHOD: 'GET',
    REQUEST_URI: request.url,
    SCRIPT_NAME: '/',
    PATH_INFO: path,
    PATH_TRANSLATED: path,
    QUERY_STRING: query < 0 ? '' : request.url.slice(query + 1),
    REMOTE_ADDR: request.remoteAddress,
    REMOTE_HOST: request.remoteAddress,
    REMOTE_PORT: String(request.remotePort ?? ''),
    UNIQUE_ID: id,
    HTTPS: isSecure ? 'on' : undefined,
    // Part of the standard, and empty here, so that the program does not inherit the server's own.
    AUTH_TYPE: '',
    CONTENT_LENGTH: '',
    CONTENT_TYPE: '',
    REMOTE_IDENT: '',
    REMOTE_USER: '',
    HTTP_HOST: host,
  };
  for (const [header, value] of Object.entries(headers))
    if (header !== 'proxy') variables[`HTTP_${header.toUpperCase().replaceAll('-', '_')}`] ??= value;
  return variables;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
