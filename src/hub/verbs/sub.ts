import type { LogState } from '../../broker/index.ts';
import {
  encodeAnswer,
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
  if (options.member && Buffer.byteLength(options.member.text) > rules.maxMember)
    throw new ProtocolError('TOO_LARGE', `the member is larger than the ${rules.maxMember} bytes that ${name} allows`);
  await permit('subscribe', rules, connection, name);
  if (options.presence) requireRight('presence', connection, name);
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
    const owner = connection.remoteAddress ?? connection.id;
    if (!presence.join(connection.member, connection.id, owner, options.member?.text)) {
      context.channels.leave(channel);
      throw new ProtocolError(
        'TOO_LARGE',
        `the members of your address use the limit of ${context.limits.members} bytes`,
      );
    }
  }
  // Nothing is awaited from here on, so that the answer, the presence and the first publication fit together.
  // A reader that received it through a pattern continues where that was, unless it asks for something earlier.
  const heard = connection.stopHearing(name);
  const asked: Position = 'head' in position ? [position.epoch, position.head] : position;
  const from = options.at || options.recent ? asked : (heard ?? channel.position);
  const subscription = new Subscription(context.pages, connection, channel, from, options.credit ?? CREDIT);
  connection.subscriptions.set(name, subscription);
  const result: Subscribed = { ch: channel.number, epoch: from[0], offset: from[1] };
  const picture = options.presence && presence ? `,${presence.picture}` : '';
  const isReady = connection.tellLine(encodeAnswer(id, `${JSON.stringify(result).slice(0, -1)}${picture}}`));
  if (options.presence && presence) {
    subscription.hearsPresence = true;
    connection.wire.subscribe(presence.topic);
  }
  if ('head' in position) {
    const { epoch, oldest, head } = position;
    connection.tell(['gap', channel.number, { have: options.at!, oldest, head, epoch }]);
  }
  subscription.start();
  // As with every large answer: a client that does not read gets no second one.
  if (!isReady) await connection.wire.drained();
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
  await permit('subscribe', rules, connection, text);
  const pattern = await context.patterns.enter(text, rules);
  if (connection.isOver) {
    context.patterns.leave(pattern);
    return;
  }
  connection.tell(['ok', id, {}]);
  connection.hearing.join(pattern);
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
