import {
  type ClientMessage,
  encodeAnswer,
  encodePublished,
  type Hello,
  type JsonText,
  PONG,
  ProtocolError,
  type PublishOptions,
  type Welcome,
  type WelcomeLimits,
} from '../protocol/index.ts';
import { isThenable } from '../thenable.ts';
import type { Identity } from './caller.ts';
import { history } from './channels/history.ts';
import { permit } from './channels/permit.ts';
import type { Connection } from './connection.ts';
import type { House } from './house.ts';
import { more, sub, un } from './subscribe.ts';

/**
 * Does what one line of a client asks. A promise holds up the lines behind it. Throws, or rejects with, the answer
 * `err` as a ProtocolError.
 */
export function handle(
  house: House,
  connection: Connection,
  message: ClientMessage<JsonText>,
): Promise<void> | undefined {
  if (message.length === 0) connection.tell(PONG);
  if (message.length < 2) return undefined;
  const verb = message[0];
  if (connection.isReady === (verb === 'hi'))
    throw new ProtocolError('HI_FIRST', connection.isReady ? 'you have said hi before' : 'say hi first');
  switch (verb) {
    case 'hi':
      return hi(house, connection, message[1], message[2]);
    case 'auth':
      return auth(house, connection, message[1], message[2]);
    case 'sub':
      return sub(house, connection, message[1], message[2], message[3]);
    case 'un':
      return un(connection, message[1], message[2]);
    case 'pub':
      return pub(house, connection, message[1], message[2], message[3], message[4]);
    case 'call':
      return call(house, connection, message[1], message[2], message[3]);
    case 'get':
      return get(house, connection, message);
    case 'more':
      return more(connection, message[1], message[2]);
  }
}

async function hi(house: House, connection: Connection, id: number, hello: Hello): Promise<void> {
  let identity: Identity;
  try {
    identity = await identify(house, connection, hello);
  } catch (error) {
    connection.refuse(id, error);
    if (error instanceof ProtocolError && error.code === 'UNAUTHORIZED')
      connection.end('UNAUTHORIZED', error.message, undefined, error.reason);
    return;
  }
  if (connection.isOver) return;
  const { user, token } = identity;
  const { resume } = hello;
  const earlier = resume === undefined ? undefined : house.tickets.take(resume);
  const resumed = earlier !== undefined && earlier.user === user;
  const ticket = connection.welcome(identity, resumed ? earlier : undefined);
  const welcome: Welcome = {
    connection: connection.id,
    ...(user !== undefined && { user }),
    ...(token !== undefined && { token }),
    ticket,
    resumed,
    ping: house.pingInterval,
    limits: limitsOf(house),
  };
  connection.tell(['ok', id, welcome]);
}

/** What JSON can say of them: without a bound, it is left out. */
function limitsOf({ limits: { requests, bytes, subscriptions } }: House): WelcomeLimits {
  return Object.fromEntries(
    Object.entries({ lines: requests, bytes, subscriptions }).filter(([, limit]) => Number.isFinite(limit)),
  );
}

async function auth(house: House, connection: Connection, id: number, token: string): Promise<void> {
  const identity = await identify(house, connection, { token });
  if (connection.isOver) return;
  if (identity.user !== connection.user)
    throw new ProtocolError('UNAUTHORIZED', 'the token is another user’s', undefined, 'TOKEN_INVALID');
  connection.renew(identity);
  connection.tell(['ok', id, null]);
}

/** @throws as `admit`. */
function identify(house: House, { request }: Connection, { token, login }: Hello): Promise<Identity> {
  return house.admit({ token, request, ...(login && { login: { user: login[0], password: login[1] } }) });
}

function pub(
  house: House,
  connection: Connection,
  id: number,
  name: string,
  data: JsonText,
  { key, echo = true, keep }: PublishOptions,
): Promise<void> | undefined {
  const rules = house.rules.forClients(name);
  if (rules.rate !== undefined) connection.takeRate(name, rules.rate);
  const permission = permit('publish', rules, connection, name);
  // What is published one after the other is handed to the log in that order; its answers are not waited for.
  const send = (fitting: JsonText) => {
    house.publisher
      .publish(name, rules, fitting, { key, keep, from: connection, except: echo ? undefined : connection })
      .then(
        (at) => connection.tellLine(encodePublished(id, at)),
        (error) => connection.refuse(id, error, name),
      );
  };
  const check = () => {
    const fitting = house.terms.publication(name, data);
    return isThenable(fitting) ? fitting.then(send) : send(fitting);
  };
  return permission ? permission.then(check) : (check() ?? undefined);
}

function call(house: House, connection: Connection, id: number, method: string, data: JsonText): undefined {
  if (connection.calls >= house.limits.calls) throw new ProtocolError('RATE_LIMITED', 'too many of your calls run');
  connection.calls++;
  house.methods
    .call(method, data, connection)
    .then(({ text }) => connection.tellLine(encodeAnswer(id, text)))
    .catch((error) => connection.refuse(id, error))
    .finally(() => {
      connection.calls--;
    });
  return undefined;
}

async function get(
  house: House,
  connection: Connection,
  [, id, what, name, options]: Extract<ClientMessage<JsonText>, readonly ['get', ...unknown[]]>,
): Promise<void> {
  const rules = house.rules.forClients(name);
  if (what === 'presence' && rules.presence === false)
    throw new ProtocolError('NOT_OFFERED', `${name} has no presence`);
  if (what === 'history' && rules.keep.size === 0) throw new ProtocolError('NOT_OFFERED', `${name} keeps no history`);
  await permit(what === 'presence' ? what : 'subscribe', rules, connection, name);
  if (what === 'presence') {
    const empty = rules.presence === 'count' ? '{"count":0}' : '{"count":0,"members":[]}';
    await answer(connection, id, house.channels.get(name)?.presence?.snapshot ?? empty);
  } else await answer(connection, id, (await history(house.broker, name, options)).text);
}

/** Who asks for more than they read waits for the next answer until they have read on. */
async function answer(connection: Connection, id: number, result: string): Promise<void> {
  if (!connection.tellLine(encodeAnswer(id, result))) await connection.wire.drained();
}
