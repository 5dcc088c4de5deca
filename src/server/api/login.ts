import type { IncomingMessage } from 'node:http';
import { ProtocolError } from '../../protocol/index.ts';
import type { Sessions } from './people.ts';
import { type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** A token for a user and password: for pages that log in by a form, and for readers of /sse. */
export function loginRoute(auth: Sessions, clientAddress: { of(request: IncomingMessage): string }): Route {
  return route({
    method: 'POST',
    path: '/api/login',
    summary: 'Exchanges user and password for a token. Needs no key; slowed after failures.',
    right: null,
    body: schemas.loginBody,
    answer: schemas.loggedIn,
    handle: async ({ body: { user, password }, request }) => {
      if (!auth.login) throw new ProtocolError('NOT_OFFERED', 'nobody can log in by a password here');
      const { token, expiresIn } = await auth.login(user, password, clientAddress.of(request));
      return { user, token, ...(expiresIn !== undefined && { expiresIn }) };
    },
  });
}
