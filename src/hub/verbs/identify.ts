import type { Hello } from '../../protocol/index.ts';
import type { Identity } from '../caller.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';

/** @throws as `admit`. */
export function identify(context: HubContext, { request }: Connection, { token, login }: Hello): Promise<Identity> {
  return context.admit({ token, request, ...(login && { login: { user: login[0], password: login[1] } }) });
}
