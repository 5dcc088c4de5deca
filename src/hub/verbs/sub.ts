import type { LogState } from '../../broker/index.ts';
import {
  isPattern,
  type JsonText,
  type Position,
  ProtocolError,
  type Subscribed,
  type SubscribeOptions,
} from '../../protocol/index.ts';
import type { Channel } from '../channels/channel.ts';
import { CREDIT, futureOf } from '../channels/history.ts';
import { permit, requireRight } from '../channels/permit.ts';
import { Subscription } from '../channels/subscription.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';
import { checkMember, join } from './join.ts';

export async function sub(
  context: HubContext,
  connection: Connection,
  id: number,
  name: string,
  options: SubscribeOptions<JsonText>,
): Promise<void> {
  if (connection.isSubscribedTo(name)) throw new ProtocolError('ALREADY_SUBSCRIBED', `you are subscribed to ${name}`);
  if (connection.subscriptionCount >= context.limits.subscriptions)
    throw new ProtocolError('TOO_MANY_SUBSCRIPTIONS', `a connection may have ${context.limits.subscriptions}`);
  if (isPattern(name)) return subPattern(context, connection, id, name, options);
  const rules = context.rules.forClients(name);
  if ((options.presence || 'member' in options) && rules.presence === false)
    throw new ProtocolError('NOT_OFFERED', `${name} has no presence`);
  checkMember(rules, name, options.member);
  requireRight('subscribe', connection, name);
  if (options.presence) requireRight('presence', connection, name);
  // What is published while a function collects the first data comes after it.
  const before = typeof rules.subscribe === 'function' ? await context.channels.positionOf(name) : undefined;
  const { data, member = options.member } = await permit(rules, connection, name, { purpose: 'subscribe', ...options });
  const channel = await context.channels.enter(name);
  let position: Position | LogState;
  try {
    position = await begin(context, channel, options);
  } catch (error) {
    context.channels.leave(channel);
    throw error;
  }
  if (connection.isOver) {
    context.channels.leave(channel);
    return;
  }
  const { presence } = channel;
  if ('member' in options && presence) {
    let joined: true | Promise<true>;
    try {
      joined = join(context, connection, presence, member);
    } catch (error) {
      context.channels.leave(channel);
      throw error;
    }
    if (joined !== true && !(await isIn(joined, context, connection, channel))) return;
  }
  // Nothing is awaited from here on, so that the answer, the presence and the first publication fit together.
  // A reader that received it through a pattern continues where that was, unless it asks for something earlier.
  const heard = connection.stopHearing(name);
  const asked: Position = 'head' in position ? [position.epoch, position.head] : position;
  const latest = options.at || options.recent ? asked : (heard ?? channel.position);
  const [from, newest] = [latest, channel.position].map((position) =>
    data && before ? earlier(position, before) : position,
  ) as [Position, Position];
  const subscription = new Subscription(context.pages, connection, channel, from, options.credit ?? CREDIT);
  connection.subscriptions.set(name, subscription);
  const result: Subscribed<JsonText, JsonText> = {
    ch: channel.number,
    epoch: from[0],
    offset: from[1],
    ...(newest[0] === from[0] && newest[1] > from[1] && { head: newest[1] }),
    ...(options.presence && presence?.picture),
    ...(data && { data }),
  };
  const isReady = connection.tell(['ok', id, result]);
  if (options.presence && presence) {
    subscription.hearsPresence = true;
    connection.wire.subscribe(presence.topic);
  }
  if ('head' in position) {
    const { epoch, oldest } = position;
    connection.tell(['gap', channel.number, { have: options.at!, oldest, head: from[1], epoch }]);
  }
  subscription.start();
  context.observers.tell('onSubscribe', connection, name);
  // As with every large answer: a client that does not read gets no second one.
  if (!isReady) await connection.wire.drained();
}

/** Waits until the other nodes know of the member. False when the connection has ended meanwhile. */
async function isIn(
  joined: Promise<true>,
  context: HubContext,
  connection: Connection,
  channel: Channel,
): Promise<boolean> {
  try {
    await joined;
    if (!connection.isOver) return true;
  } catch (error) {
    leave(true);
    throw error;
  }
  leave(false);
  return false;

  function leave(atOnce: boolean): void {
    channel.presence!.leave(connection.member, connection.id, atOnce);
    context.channels.leave(channel);
  }
}

async function subPattern(
  context: HubContext,
  connection: Connection,
  id: number,
  text: string,
  options: SubscribeOptions<JsonText>,
): Promise<void> {
  const rules = context.rules.forPattern(text);
  if (options.at || options.recent || options.presence || 'member' in options)
    throw new ProtocolError('NOT_OFFERED', 'a subscription to a pattern has no history and no presence');
  const { data } = await permit(rules, connection, text, { purpose: 'subscribe' });
  const pattern = await context.patterns.enter(text, rules);
  if (connection.isOver) {
    context.patterns.leave(pattern);
    return;
  }
  connection.tell(['ok', id, data ? { data } : {}]);
  connection.hearing.join(pattern);
}

/** The earlier of two positions; the first one if they are in different logs. */
function earlier(one: Position, other: Position): Position {
  return one[0] === other[0] && other[1] < one[1] ? other : one;
}

/** Where a new subscription starts: at the log's end if what came after `at` is gone. */
async function begin(
  context: HubContext,
  channel: Channel,
  { at, recent }: SubscribeOptions<JsonText>,
): Promise<Position | LogState> {
  if (!at && !recent) return channel.position;
  if (at && at[0] === channel.epoch && at[1] === channel.head) return at;
  const log = await context.broker.state(channel.name);
  if (!at) return [log.epoch, Math.max(log.oldest - 1, log.head - recent!)];
  if (at[0] === log.epoch && at[1] > log.head)
    throw new ProtocolError('BAD_POSITION', futureOf(channel.name, log.head, at));
  return at[0] === log.epoch && at[1] >= log.oldest - 1 ? at : log;
}
