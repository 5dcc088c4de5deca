import { z } from 'zod';
import { isChannel, isPattern } from '../../protocol/index.ts';
import { isWebAddress } from './addresses.ts';

export const channelOrPattern = z
  .string()
  .refine((name) => isChannel(name) || isPattern(name), {
    error: 'must be a channel, like chat:42, or a pattern, like chat:*',
  })
  .meta({ allowed: 'a channel, like chat:42, or a pattern, like chat:*' });

export const secretText = z
  .string()
  .min(32, { error: 'must have 32 characters or more: zocalo init makes one' })
  .meta({ allowed: 'a text of 32 characters or more', hidden: true });

/** A text that `is` accepts; `allowed` describes such texts. */
export function text(is: (value: string) => boolean, allowed: string) {
  return z
    .string()
    .refine(is, { error: `must be ${allowed}` })
    .meta({ allowed });
}

export const webAddress = text(
  isWebAddress,
  'an address like https://example.org/hook, without user and password',
).transform((value) => new URL(value).href);
