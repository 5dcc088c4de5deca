import type { TLSSocket } from 'node:tls';
import type { ClientAddress } from '../http/index.ts';
import { type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** What the server sees of a caller. It shows whether a proxy passes on the client's address. */
export function whoamiRoute(clientAddress: Pick<ClientAddress, 'of' | 'forwarding' | 'protocol'>): Route {
  return route({
    method: 'GET',
    path: '/api/whoami',
    summary: 'What the server sees of the caller. Needs no key.',
    right: null,
    answer: schemas.whoami,
    handle: ({ caller, request }) => {
      const standard = (request.socket as TLSSocket).encrypted === true ? 'https' : 'http';
      const { host } = request.headers;
      return {
        address: clientAddress.of(request),
        forwarding: clientAddress.forwarding(request),
        proto: (clientAddress.protocol(request) ?? standard) === 'https' ? 'https' : 'http',
        ...(host !== undefined && { host }),
        ...(caller && { key: caller.name }),
      };
    },
  });
}
