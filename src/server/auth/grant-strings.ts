import type { Action, Rights } from '../../hub/index.ts';
import { isChannel, isPattern } from '../../protocol/index.ts';

const ACTIONS = { sub: 'subscribe', pub: 'publish', presence: 'presence' } as const satisfies Record<string, Action>;

/** Rights that one identity may have; more should be expressed by patterns. */
const MOST = 1_000;

/**
 * Reads rights as tokens, the users table and a handler's answer write them: `['sub:chat:*', 'pub:chat:42',
 * 'presence:chat:*']`. Undefined when there are none. @throws RangeError, with a sentence, for anything else.
 */
export function parseGrants(can: unknown): Rights | undefined {
  if (can === undefined || can === null) return undefined;
  if (!Array.isArray(can)) throw new RangeError('`can` is not a list');
  if (can.length > MOST) throw new RangeError(`\`can\` has more than ${MOST} entries`);
  const rights: { [action in Action]: string[] } = { subscribe: [], publish: [], presence: [] };
  for (const [index, entry] of can.entries()) {
    const [, verb, channel] = /^(sub|pub|presence):(.+)$/.exec(String(entry)) ?? [];
    if (typeof entry !== 'string' || verb === undefined || !(isChannel(channel) || isPattern(channel)))
      throw new RangeError(
        `\`can\` has an entry, number ${index + 1}, that is not sub:, pub: or presence: with a channel or pattern`,
      );
    rights[ACTIONS[verb as keyof typeof ACTIONS]].push(channel!);
  }
  return rights;
}

/** The inverse of `parseGrants`. */
export function formatGrants(rights: Rights): string[] {
  return Object.entries(ACTIONS).flatMap(([verb, action]) =>
    (rights[action] ?? []).map((channel) => `${verb}:${channel}`),
  );
}
