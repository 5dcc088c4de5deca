import { type Hub, isOwn } from '../../hub/index.ts';
import { nearestEntry } from '../../nearest.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { ApiCaller } from '../auth/index.ts';
import type { ApiRight } from '../config/index.ts';

/**
 * Refuses a channel that no client could ever use: most likely a typing error in the application.
 * @throws ProtocolError NOT_OFFERED, with the nearest entry among those that the caller may know of.
 */
export function checkOffered(hub: Hub, caller: ApiCaller | undefined, right: ApiRight, channel: string): void {
  if (hub.offers(channel)) return;
  const known = hub.offered.filter((entry) => !isOwn(entry) && caller?.may(right, entry));
  const nearest = nearestEntry(channel, known);
  const hint = nearest === undefined ? '' : `, of which the nearest is ${nearest}`;
  throw new ProtocolError('NOT_OFFERED', `${channel} is not offered: it matches no entry of the key channels${hint}`);
}
