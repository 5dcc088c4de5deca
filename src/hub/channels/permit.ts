import { JsonText, type Position, ProtocolError } from '../../protocol/index.ts';
import { then } from '../../thenable.ts';
import type { Caller } from '../caller.ts';
import type { SubscribeAnswer, SubscribeRequest } from '../channel-options.ts';
import type { Action } from '../rights.ts';
import type { Rules } from './rules.ts';

/** The name of each right in a token's `can`. */
const RIGHTS: Readonly<Record<Action, string>> = { subscribe: 'sub', publish: 'pub', presence: 'presence' };

/** What a function has answered besides yes. */
export interface Permitted {
  readonly data?: JsonText;
  readonly member?: JsonText;
}

const PLAINLY: Permitted = {};

/**
 * Whether a caller may subscribe to a channel, look up its history or see its presence, by their own rights and by the
 * channel's options. A promise only where a function of the options returns one.
 * @throws ProtocolError FORBIDDEN, naming the right or the option, or what the function throws; directly or by the
 *   promise.
 */
export function permit(
  rules: Rules,
  who: Caller,
  channel: string,
  { purpose, member, at }: { purpose: SubscribeRequest['purpose']; member?: JsonText; at?: Position },
): Permitted | Promise<Permitted> {
  requireRight(purpose === 'presence' ? purpose : 'subscribe', who, channel);
  const { subscribe } = rules;
  const answer =
    typeof subscribe === 'function'
      ? subscribe(who, channel, { purpose, member: member?.value, json: member, at })
      : subscribe;
  return then<boolean | SubscribeAnswer, Permitted>(answer, (answer) => {
    if (answer === true) return PLAINLY;
    if (answer === false) throw optionForbids('subscribe', rules, channel);
    return permitted(answer, rules);
  });
}

function permitted(answer: SubscribeAnswer, { entry, maxMember }: Rules): Permitted {
  const source = `channels["${entry}"].subscribe`;
  if (typeof answer !== 'object' || answer === null || Object.keys(answer).some((name) => !MEMBERS.has(name)))
    throw new Error(`${source} returned what is neither true, nor false, nor { data, member }`);
  const [data, member] = [answer.data, answer.member].map((value) =>
    value === undefined ? value : JsonText.of(value),
  );
  if (member && Buffer.byteLength(member.text) > maxMember)
    throw new Error(`${source} returned a member that is larger than the ${maxMember} bytes of maxMember`);
  return { ...(data && { data }), ...(member && { member }) };
}

const MEMBERS: ReadonlySet<string> = new Set<keyof SubscribeAnswer>(['data', 'member']);

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

/** The channel's options say no. */
export function optionForbids(option: 'subscribe' | 'publish', { entry }: Rules, channel: string): ProtocolError {
  const sentence = `channels["${entry}"].${option} does not let you ${option} to ${channel}`;
  return new ProtocolError('FORBIDDEN', sentence, undefined, 'CHANNEL_OPTION');
}
