import { ZocaloError } from '../errors.ts';
import { checkNames, type OptionNames } from '../option-names.ts';
import { LIMITS } from '../protocol/index.ts';
import type { Caller } from './caller.ts';

export interface HubPublishOptions {
  /**
   * Makes repeating safe: the same key with the same data is stored once. At most 64 characters. The program's keys are
   * separate from those of its clients, and with `user`, for each user.
   */
  readonly key?: string;
  /** Publishes on this user's behalf: subscribers see them as its publisher. Default: nobody. */
  readonly user?: string;
  /** What kind of publication it is, 1 to 64 characters: subscribers get it as `message.event`. */
  readonly event?: string;
  /** Excludes one connection: the `who` of a handler, or one that `hub.connection` or `hub.user` returned. */
  readonly except?: Pick<Caller, 'id'>;
  /** False delivers it to current subscribers without storing it. Default true. */
  readonly keep?: boolean;
  /** With `keep: false`, of several nodes: only the subscribers of this one get it. Default false: all do. */
  readonly onlyHere?: boolean;
  /**
   * The same object for publications that must not pass each other, though nobody waits for one before the next: after
   * one that the log refused (LOG_…), those that follow are refused with the same error.
   */
  readonly sequence?: object;
}

const NAMES: OptionNames<HubPublishOptions> = {
  key: true,
  user: true,
  event: true,
  except: true,
  keep: true,
  onlyHere: true,
  sequence: true,
};

/** @throws ZocaloError BAD_OPTION for an option that there is not, or an invalid event. */
export function checkPublishOptions(options: HubPublishOptions): void {
  checkNames(options, NAMES, 'of hub.publish');
  const { event } = options;
  if (event === undefined || (typeof event === 'string' && event.length > 0 && event.length <= LIMITS.event)) return;
  throw new ZocaloError('BAD_OPTION', `event cannot be ${JSON.stringify(event)}`, {
    advice: `use a text of 1 to ${LIMITS.event} characters`,
  });
}
