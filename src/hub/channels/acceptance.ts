import type { JsonText } from '../../protocol/index.ts';
import { then } from '../../thenable.ts';
import type { Caller } from '../caller.ts';
import type { PublishRequest } from '../channel-options.ts';
import type { ContractCheck } from '../contract-check.ts';
import { optionForbids, requireRight } from './permit.ts';
import { checkSize } from './publisher.ts';
import type { Rules } from './rules.ts';

/** @throws ProtocolError FORBIDDEN for who may publish nothing at all to this channel. */
export function requirePublisher(rules: Rules, who: Caller, channel: string): void {
  requireRight('publish', who, channel);
  if (rules.publish === false) throw optionForbids('publish', rules, channel);
}

/**
 * What is published for the data of a client: it has to fit the contract, and a function of the channel's options may
 * refuse or replace it. A promise only where one of them returns one.
 * @throws ProtocolError BAD_DATA, TOO_LARGE, FORBIDDEN, or what the function throws; directly or by the promise.
 */
export function accept(
  contract: ContractCheck,
  rules: Rules,
  who: Caller,
  channel: string,
  data: unknown,
  {
    key,
    event,
    keep = true,
  }: Partial<Pick<PublishRequest, 'key' | 'event'>> & { readonly keep?: boolean | undefined } = {},
): JsonText | Promise<JsonText> {
  const { publish } = rules;
  const fitting = contract.publication(channel, data);
  if (typeof publish !== 'function') return fitting;
  return then(fitting, (json) => {
    checkSize(channel, rules, json.text);
    return then(publish(who, channel, json.value, { json, key, event, keep }), (answer) => {
      const source = `channels["${rules.entry}"].publish`;
      if (answer === true) return json;
      if (answer === false) throw optionForbids('publish', rules, channel);
      if (answer === undefined)
        throw new Error(`${source} returned nothing: return true, false, or the data to publish`);
      return contract.replacement(channel, answer, source);
    });
  });
}
