import { type ChangeOptions, JsonText, ProtocolError } from '../../protocol/index.ts';
import { permit, requireRight } from '../channels/permit.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';
import { checkMember, join } from './join.ts';

/** Changes a subscription in place: what it sends of the presence, and the member. */
export async function set(
  context: HubContext,
  connection: Connection,
  id: number,
  name: string,
  options: ChangeOptions<JsonText>,
): Promise<void> {
  const notSubscribed = () => new ProtocolError('NOT_SUBSCRIBED', `you are not subscribed to ${name}`);
  const subscription = connection.subscriptions.get(name);
  if (!subscription) throw notSubscribed();
  const { presence, rules } = subscription.channel;
  if (!presence) throw new ProtocolError('NOT_OFFERED', `${name} has no presence`);
  checkMember(rules, name, options.member);
  if (options.presence) requireRight('presence', connection, name);
  if ('member' in options) {
    const { member = options.member } = await permit(rules, connection, name, { purpose: 'subscribe', ...options });
    if (connection.subscriptions.get(name) !== subscription) throw notSubscribed();
    const joined = join(context, connection, presence, member);
    if (joined !== true)
      try {
        await joined;
      } catch (error) {
        presence.leave(connection.member, connection.id, true);
        throw error;
      }
    // It may have ended meanwhile, and has left then.
    if (connection.subscriptions.get(name) !== subscription) throw notSubscribed();
  } else if (options.leave) presence.leave(connection.member, connection.id, true);
  // Nothing is awaited from here on, so that the answer and the changes after it fit together.
  connection.tell(['ok', id, options.presence ? presence.picture : JsonText.of(null)]);
  if (options.presence === undefined || options.presence === subscription.hearsPresence) return;
  subscription.hearsPresence = options.presence;
  if (options.presence) connection.wire.subscribe(presence.topic);
  else connection.wire.unsubscribe(presence.topic);
}
