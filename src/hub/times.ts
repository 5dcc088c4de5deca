import { ZocaloError } from '../errors.ts';
import type { HubOptions } from './options.ts';

/** The minimum of each, in milliseconds: without a pause, the server would do nothing but ping. */
const LEAST = { linger: 0, hiTimeout: 1, pingInterval: 1 } as const;

/** @throws ZocaloError BAD_OPTION for a time that is not a number, or too small. */
export function checkTimes(options: Pick<HubOptions, keyof typeof LEAST>): void {
  for (const [name, least] of Object.entries(LEAST)) {
    const time: unknown = options[name as keyof typeof LEAST];
    if (time !== undefined && !isTime(time, least)) throw wrongTime(`the option ${name}`, time, least);
  }
}

export function isTime(time: unknown, least: number): boolean {
  return typeof time === 'number' && time >= least;
}

export function wrongTime(what: string, time: unknown, least: number): ZocaloError {
  return new ZocaloError('BAD_OPTION', `${what} cannot be ${JSON.stringify(time)}`, {
    advice: `use milliseconds, as a number of at least ${least}`,
  });
}
