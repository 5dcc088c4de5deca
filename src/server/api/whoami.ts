import type { TLSSocket } from 'node:tls';
import type { ClientAddress } from '../http/index.ts';
import { type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** What the server sees of a caller: so one can find out whether a proxy passes it on. */
export function whoamiRoute(clientAddress: Pick<ClientAddress, 'of' | 'forwarding'>): Route {
  return route({
    method: 'GET',
    path: '/api/whoami',
    summary: 'What the server sees of the caller. Needs no key.',
    right: null,
    answer: schemas.whoami,
    handle: ({ caller, request }) => {
      const forwarding = clientAddress.forwarding(request);
      const proto = forwarding === 'believed' ? request.headers['x-forwarded-proto'] : undefined;
      const isSecure = proto === undefined ? (request.socket as TLSSocket).encrypted === true : proto === 'https';
      const { host } = request.headers;
      return {
        address: clientAddress.of(request),
        forwarding,
        proto: isSecure ? 'https' : 'http',
        ...(host !== undefined && { host }),
        ...(caller && { key: caller.name }),
      };
    },
  });
}
