import {
  type Hello,
  JsonText,
  ProtocolError,
  type Renewed,
  type Welcome,
  type WelcomeLimits,
} from '../../protocol/index.ts';
import type { Identity } from '../caller.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';
import { identify } from './identify.ts';

export async function hi(context: HubContext, connection: Connection, id: number, hello: Hello): Promise<void> {
  let identity: Identity;
  try {
    identity = await identify(context, connection, hello);
  } catch (error) {
    connection.refuse(id, error);
    if (error instanceof ProtocolError && error.code === 'UNAUTHORIZED')
      connection.end('UNAUTHORIZED', error.message, undefined, error.reason);
    return;
  }
  if (connection.isOver) return;
  const { user, token } = identity;
  const { resume } = hello;
  const taken = resume === undefined ? undefined : context.resumeTickets.take(resume);
  const earlier = taken instanceof Promise ? await taken : taken;
  if (connection.isOver) return;
  const resumed = earlier !== undefined && earlier.user === user;
  const ticket = connection.welcome(identity, resumed ? earlier : undefined);
  const welcome: Welcome = {
    connection: connection.id,
    ...(user !== undefined && { user }),
    ...(token !== undefined && { token }),
    ticket,
    ...expiryOf(identity),
    resumed,
    ping: context.pingInterval,
    limits: limitsOf(context),
  };
  connection.tell(['ok', id, JsonText.of(welcome)]);
}

/** An infinite time is absent: JSON cannot represent it. */
export function expiryOf({ expiresIn }: Identity): Renewed | null {
  return Number.isFinite(expiresIn) ? { expiresIn: Math.floor(expiresIn!) } : null;
}

/** The limits that JSON can represent: an infinite one is left out. */
function limitsOf({ limits: { requests, bytes, subscriptions } }: HubContext): WelcomeLimits {
  return Object.fromEntries(
    Object.entries({ lines: requests, bytes, subscriptions }).filter(([, limit]) => Number.isFinite(limit)),
  );
}
