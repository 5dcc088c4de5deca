import { type JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Presence } from '../channels/presence.ts';
import type { Rules } from '../channels/rules.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';

/** @throws ProtocolError TOO_LARGE for the data of a member that is larger than the channel allows. */
export function checkMember({ maxMember }: Rules, channel: string, member: JsonText | undefined): void {
  if (member && Buffer.byteLength(member.text) > maxMember)
    throw new ProtocolError('TOO_LARGE', `the member is larger than the ${maxMember} bytes that ${channel} allows`);
}

/**
 * Makes the connection a member with that data, or changes its data. See `Presence.join`.
 * @throws ProtocolError TOO_LARGE when the members of its address use too much memory: then nothing has changed.
 */
export function join(
  { limits }: HubContext,
  connection: Connection,
  presence: Presence,
  member: JsonText | undefined,
): true | Promise<true> {
  const owner = connection.remoteAddress ?? connection.id;
  const joined = presence.join(connection.member, connection.id, owner, member?.text);
  if (joined) return joined;
  throw new ProtocolError('TOO_LARGE', `the members of your address use the limit of ${limits.members} bytes`);
}
