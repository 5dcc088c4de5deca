import type { LogState } from '../broker/index.ts';
import {
  type ClientMessage,
  type GetOptions,
  type Hello,
  type History,
  isPattern,
  PONG,
  type Position,
  ProtocolError,
  type PublishOptions,
  type Subscribed,
  type SubscribeOptions,
  type Welcome,
} from '../protocol/index.ts';
import { type Channel, stamped } from './channel.ts';
import type { Connection } from './connection.ts';
import type { House } from './house.ts';
import type { Identity, Permission } from './options.ts';
import { publish } from './publisher.ts';
import type { Action } from './rights.ts';
import { Subscription } from './subscription.ts';

/** Publications that a client takes before it says `more`, when it does not say how many. */
const CREDIT = 256;

/**
 * Does what one line of a client asks. A promise holds up the lines behind it. Throws, or rejects with, the answer
 * `err` as a ProtocolError.
 */
export function handle(house: House, connection: Connection, message: ClientMessage): Promise<void> | undefined {
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
  const identity = await identify(house, connection, hello);
  if (connection.isOver) return;
  if (!identity) {
    connection.tell(['err', id, 'UNAUTHORIZED', 'you may not come in']);
    connection.end('UNAUTHORIZED');
    return;
  }
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
  };
  connection.tell(['ok', id, welcome]);
}

async function auth(house: House, connection: Connection, id: number, token: string): Promise<void> {
  const identity = await identify(house, connection, { token });
  if (connection.isOver) return;
  if (!identity || identity.user !== connection.user)
    throw new ProtocolError('UNAUTHORIZED', "the token is refused, or another user's");
  connection.renew(identity);
  connection.tell(['ok', id, null]);
}

/** Null for whom `connect` turns away. */
async function identify(house: House, { request }: Connection, { token, login }: Hello): Promise<Identity | null> {
  return house.connect({ token, request, ...(login && { login: { user: login[0], password: login[1] } }) });
}

async function sub(
  house: House,
  connection: Connection,
  id: number,
  name: string,
  options: SubscribeOptions,
): Promise<void> {
  const { subscriptions } = connection;
  if (isPattern(name)) throw new ProtocolError('NOT_OFFERED', 'clients cannot subscribe to patterns here');
  if (subscriptions.has(name)) throw new ProtocolError('ALREADY_SUBSCRIBED', `you are subscribed to ${name}`);
  if (subscriptions.size >= house.limits.subscriptions)
    throw new ProtocolError('TOO_MANY_SUBSCRIPTIONS', `a connection may have ${house.limits.subscriptions}`);
  const rules = house.rules.forClients(name);
  if ((options.presence || 'member' in options) && rules.presence === false)
    throw new ProtocolError('NOT_OFFERED', `${name} has no presence`);
  await permit('subscribe', rules.subscribe, connection, name);
  if (options.presence) await permit('presence', true, connection, name);
  const channel = await house.channels.enter(name);
  let position: Position | LogState;
  try {
    position = await begin(house, channel, options);
  } catch (error) {
    house.channels.leave(channel);
    throw error;
  }
  if (connection.isOver) {
    house.channels.leave(channel);
    return;
  }
  // From here on nothing waits, so that the answer, the presence and the first publication belong together.
  const from: Position = 'head' in position ? [position.epoch, position.head] : position;
  const subscription = new Subscription(house, connection, channel, from, options.credit ?? CREDIT);
  subscriptions.set(name, subscription);
  const result: Subscribed = { ch: channel.number, epoch: from[0], offset: from[1] };
  const { presence } = channel;
  if ('member' in options) presence?.join(connection.member, connection.id, options.member);
  if (options.presence && presence) Object.assign(result, presence.picture);
  connection.tell(['ok', id, result]);
  if (options.presence && presence) {
    subscription.hearsPresence = true;
    connection.wire.subscribe(presence.topic);
  }
  if ('head' in position) {
    const { epoch, oldest, head } = position;
    connection.tell(['gap', channel.number, { have: options.at!, oldest, head, epoch }]);
  }
  subscription.start();
}

/** Where a new subscription begins; the log's ends when what came after `at` is no longer there. */
async function begin(house: House, channel: Channel, { at, recent }: SubscribeOptions): Promise<Position | LogState> {
  if (!at && !recent) return channel.position;
  if (at && at[0] === channel.epoch && at[1] === channel.head) return at;
  const log = await house.broker.state(channel.name);
  if (!at) return [log.epoch, Math.max(log.oldest - 1, log.head - recent!)];
  if (at[0] === log.epoch && at[1] > log.head)
    throw new ProtocolError('BAD_POSITION', futureOf(channel.name, log.head, at));
  return at[0] === log.epoch && at[1] >= log.oldest - 1 ? at : log;
}

function futureOf(channel: string, head: number, at: Position): string {
  return `${channel} has counted ${head} publications, not ${at[1]}`;
}

function un(connection: Connection, id: number, name: string): undefined {
  const subscription = connection.subscriptions.get(name);
  if (!subscription) throw new ProtocolError('NOT_SUBSCRIBED', `you are not subscribed to ${name}`);
  connection.leave(subscription, true);
  connection.tell(['ok', id, null]);
}

function pub(
  house: House,
  connection: Connection,
  id: number,
  name: string,
  data: unknown,
  { key, echo = true, keep }: PublishOptions,
): Promise<void> | undefined {
  const rules = house.rules.forClients(name);
  if (rules.rate !== undefined) connection.takeRate(name, rules.rate);
  const permission = permit('publish', rules.publish, connection, name);
  // What is published one after the other is handed to the log in that order; its answers are not waited for.
  const send = () => {
    publish(house, name, rules, data, {
      key,
      keep,
      user: connection.user,
      except: echo ? undefined : connection,
      connection: connection.id,
    }).then(
      (at) => connection.tell(['ok', id, at ? { at } : {}]),
      (error) => connection.refuse(id, error),
    );
  };
  if (permission) return permission.then(send);
  send();
  return undefined;
}

function call(house: House, connection: Connection, id: number, method: string, data: unknown): undefined {
  if (connection.calls >= house.limits.calls) throw new ProtocolError('RATE_LIMITED', 'too many of your calls run');
  connection.calls++;
  house.methods
    .call(method, data, connection)
    .then((result) => connection.tell(['ok', id, result ?? null]))
    .catch((error) => connection.refuse(id, error))
    .finally(() => {
      connection.calls--;
    });
  return undefined;
}

async function get(
  house: House,
  connection: Connection,
  [, id, what, name, options]: Extract<ClientMessage, readonly ['get', ...unknown[]]>,
): Promise<void> {
  const rules = house.rules.forClients(name);
  if (what === 'presence' && rules.presence === false)
    throw new ProtocolError('NOT_OFFERED', `${name} has no presence`);
  if (what === 'history' && rules.keep.size === 0) throw new ProtocolError('NOT_OFFERED', `${name} keeps no history`);
  await permit(what === 'presence' ? what : 'subscribe', rules.subscribe, connection, name);
  if (what === 'presence') {
    const empty = rules.presence === 'count' ? { count: 0 } : { count: 0, members: [] };
    connection.tell(['ok', id, house.channels.get(name)?.presence?.snapshot ?? empty]);
  } else connection.tell(['ok', id, await history(house, name, options)]);
}

/** A page of a channel's log. @throws ProtocolError BAD_POSITION; ZocaloError as the broker. */
export async function history(house: House, name: string, { at, limit = CREDIT }: GetOptions): Promise<History> {
  const { broker } = house;
  const begin = async ({ epoch, oldest }: LogState) => broker.read(name, [epoch, oldest - 1], { limit });
  const look = async () => {
    if (!at) return begin(await broker.state(name));
    const page = await broker.read(name, at, { limit });
    if (page.gap === 'future') throw new ProtocolError('BAD_POSITION', futureOf(name, page.head, at));
    return page.gap ? { ...(await begin(page)), gap: true as const } : page;
  };
  const page = await look();
  const { epoch, oldest, head } = page;
  const entries = 'entries' in page ? page.entries : [];
  return {
    epoch,
    oldest,
    head,
    ...(page.gap && { gap: true }),
    entries: entries.map(({ offset, data, meta, time }) => [offset, JSON.parse(data), JSON.parse(stamped(meta, time))]),
  };
}

function more(connection: Connection, ch: number, count: number): undefined {
  for (const subscription of connection.subscriptions.values())
    if (subscription.channel.number === ch) subscription.more(count);
}

/** Undefined when it is permitted at once. @throws ProtocolError FORBIDDEN, now or by the promise. */
function permit(
  action: Action,
  permission: Permission,
  connection: Connection,
  channel: string,
): Promise<void> | undefined {
  const check = (allowed: boolean) => {
    if (allowed !== true) throw new ProtocolError('FORBIDDEN', `you may not do that in ${channel}`);
  };
  check(connection.may(action, channel));
  const allowed = typeof permission === 'function' ? permission(connection, channel) : permission;
  if (allowed instanceof Promise) return allowed.then(check);
  check(allowed);
  return undefined;
}
