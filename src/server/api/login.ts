import type { IncomingMessage } from 'node:http';
import { ProtocolError } from '../../protocol/index.ts';
import type { Sessions } from './people.ts';
import { type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** Gives a token for a user and password, for login forms and readers of /sse. `pages`: which pages may ask. */
export function loginRoute(
  auth: Sessions,
  clientAddress: { of(request: IncomingMessage): string },
  pages: { allows(origin: string, host: string | undefined): boolean },
): Route {
  return route({
    method: 'POST',
    path: '/api/login',
    summary:
      'Exchanges user and password for a token. Needs no key; slowed after failures. For pages that origins or api.cors allows.',
    right: null,
    body: schemas.loginBody,
    answer: schemas.loggedIn,
    handle: async ({ body: { user, password }, request }) => {
      const { origin, host } = request.headers;
      // Browsers send such a request for any page. Without this check, a page could try passwords from its visitors'
      // addresses.
      if (origin !== undefined && !pages.allows(origin, host))
        throw new ProtocolError(
          'FORBIDDEN',
          `pages of ${origin} may not log in: neither origins nor api.cors allows it`,
        );
      if (!auth.login) throw new ProtocolError('NOT_OFFERED', 'login by password is not offered here');
      const { token, expiresIn } = await auth.login(user, password, clientAddress.of(request));
      return { user, token, ...(expiresIn !== undefined && { expiresIn }) };
    },
  });
}
