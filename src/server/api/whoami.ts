import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** What the server sees of a caller: so one can find out whether a proxy passes it on. */
export function whoamiRoute(clientAddress: { of(request: IncomingMessage): string }): Route {
  return route({
    method: 'GET',
    path: '/api/whoami',
    summary: 'What the server sees of the caller. Needs no key.',
    right: null,
    answer: schemas.whoami,
    handle: ({ caller, request }) => {
      const address = clientAddress.of(request);
      const isProxied = address !== request.socket.remoteAddress;
      const forwarded = isProxied ? request.headers['x-forwarded-proto'] : undefined;
      const isSecure =
        forwarded === undefined ? (request.socket as TLSSocket).encrypted === true : forwarded === 'https';
      const { host } = request.headers;
      return {
        address,
        proto: isSecure ? 'https' : 'http',
        ...(host !== undefined && { host }),
        ...(caller && { key: caller.name }),
      };
    },
  });
}
