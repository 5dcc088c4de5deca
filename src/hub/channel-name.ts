import { ZocaloError } from '../errors.ts';
import { isChannel } from '../protocol/index.ts';

/** @throws ZocaloError BAD_OPTION for what is not the name of one channel. */
export function checkName(channel: string): void {
  if (isChannel(channel)) return;
  throw new ZocaloError('BAD_OPTION', `${JSON.stringify(channel)} is not a channel name`, {
    advice: 'use letters, digits and the characters that a URL path may have, like chat:42',
  });
}
