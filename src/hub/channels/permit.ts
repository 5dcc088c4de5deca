import { ProtocolError } from '../../protocol/index.ts';
import { isThenable } from '../../thenable.ts';
import type { Caller } from '../caller.ts';
import type { Action } from '../rights.ts';
import type { Rules } from './rules.ts';

/** The name of each right in a token's `can`. */
const RIGHTS: Readonly<Record<Action, string>> = { subscribe: 'sub', publish: 'pub', presence: 'presence' };

/**
 * Whether a caller may do this in a channel, by their own rights and by the channel's options. Undefined if it is
 * permitted without waiting. @throws ProtocolError FORBIDDEN, directly or by the promise, naming the right or the
 * option.
 */
export function permit(action: Action, rules: Rules, who: Caller, channel: string): Promise<void> | undefined {
  requireRight(action, who, channel);
  const option = action === 'presence' ? 'subscribe' : action;
  const permission = rules[option];
  const check = (allowed: boolean) => {
    if (allowed === true) return;
    const sentence = `channels["${rules.entry}"].${option} does not let you ${option} to ${channel}`;
    throw new ProtocolError('FORBIDDEN', sentence, undefined, 'CHANNEL_OPTION');
  };
  const allowed = typeof permission === 'function' ? permission(who, channel) : permission;
  if (isThenable(allowed)) return Promise.resolve(allowed).then(check);
  check(allowed);
  return undefined;
}

/** @throws ProtocolError FORBIDDEN if the caller's rights do not include this one. */
export function requireRight(action: Action, who: Caller, channel: string): void {
  if (who.may(action, channel)) return;
  throw rightMissing(action, channel);
}

/** For permissions that require a right by name. */
export function rightMissing(action: Action, channel: string): ProtocolError {
  const sentence = `you need the right ${RIGHTS[action]}:${channel}, which your token's "can" (or your login) does not include`;
  return new ProtocolError('FORBIDDEN', sentence, undefined, 'RIGHT_MISSING');
}
