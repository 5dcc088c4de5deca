import { ProtocolError } from '../protocol/index.ts';
import type { Caller, Permission } from './options.ts';
import type { Action } from './rights.ts';

/** Undefined when it is permitted at once. @throws ProtocolError FORBIDDEN, now or by the promise. */
export function permit(
  action: Action,
  permission: Permission,
  who: Caller,
  channel: string,
): Promise<void> | undefined {
  const check = (allowed: boolean) => {
    if (allowed !== true) throw new ProtocolError('FORBIDDEN', `you may not do that in ${channel}`);
  };
  check(who.may(action, channel));
  const allowed = typeof permission === 'function' ? permission(who, channel) : permission;
  if (allowed instanceof Promise) return allowed.then(check);
  check(allowed);
  return undefined;
}
