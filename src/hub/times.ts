import { ZocaloError } from '../errors.ts';
import type { HubOptions } from './options.ts';

/** The least that each may be, in milliseconds: without a pause, pings would be all that the server does. */
const LEAST = { linger: 0, hiTimeout: 1, pingInterval: 1 } as const;

/** @throws ZocaloError BAD_OPTION for a time that is no number, or less than makes sense. */
export function checkTimes(options: Pick<HubOptions, keyof typeof LEAST>): void {
  for (const [name, least] of Object.entries(LEAST)) {
    const time: unknown = options[name as keyof typeof LEAST];
    if (time !== undefined && !isTime(time, least)) throw wrong(`the option ${name}`, time, least);
  }
}

type Connect = NonNullable<HubOptions['connect']>;

/** `connect`, whose answer must have an `expiresIn` that can be kept: one that is no number would end everybody at once. */
export function checkedConnect(connect: Connect): Connect {
  return async (visitor) => {
    const identity = await connect(visitor);
    const { expiresIn } = identity ?? {};
    if (expiresIn !== undefined && !isTime(expiresIn, 0))
      throw wrong('expiresIn, which connect answered,', expiresIn, 0);
    return identity;
  };
}

function isTime(time: unknown, least: number): boolean {
  return typeof time === 'number' && time >= least;
}

function wrong(what: string, time: unknown, least: number): ZocaloError {
  return new ZocaloError('BAD_OPTION', `${what} cannot be ${JSON.stringify(time)}`, {
    advice: `use milliseconds, as a number of at least ${least}`,
  });
}
