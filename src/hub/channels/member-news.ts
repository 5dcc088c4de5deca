import type { MemberNews as Change, Membership } from '../../nodes/index.ts';
import { type Member, parseJson } from '../../protocol/index.ts';
import type { Observers } from '../observer.ts';
import { channelOf } from './presence.ts';

/** Tells the observers who has joined a channel and who has left it. */
export function tellMembers(membership: Membership, observers: Observers): void {
  membership.observe(({ group, shown, hasJoined }: Change) => {
    const channel = channelOf(group);
    const event = hasJoined ? 'onJoin' : 'onLeave';
    if (channel === undefined || !observers.has(event)) return;
    const { id, data } = parseJson(shown) as Member;
    observers.tell(event, { channel, id, data, time: Date.now() });
  });
}
