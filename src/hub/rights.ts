import { compilePattern } from '../protocol/index.ts';

/**
 * The most that an identity may do, by channel name and pattern, as in a token's claims. What is not listed is not
 * granted. Without rights, only the channels' options decide.
 */
export interface Rights {
  /** Channels that it may subscribe to and whose history it may read. */
  readonly subscribe?: readonly string[];
  readonly publish?: readonly string[];
  /** Channels whose presence it may see. */
  readonly presence?: readonly string[];
}

export type Action = keyof Rights;

/** Rights, compiled once per identity. */
export class Grants {
  readonly #actions: Readonly<Record<Action, readonly ((channel: string) => boolean)[]>>;

  constructor(rights: Rights) {
    const compile = (patterns: readonly string[] = []) => patterns.map(compileGrant);
    this.#actions = {
      subscribe: compile(rights.subscribe),
      publish: compile(rights.publish),
      presence: compile(rights.presence),
    };
  }

  /** `channel` may itself be a pattern: it is granted by one that matches its text. */
  allow(action: Action, channel: string): boolean {
    return this.#actions[action].some((matches) => matches(channel));
  }
}

/**
 * The prefix of the daemon's own channels, which show everybody's traffic: `*` in somebody's rights does not include
 * them.
 */
const OWN = 'zocalo:';

/** Whether it is one of the daemon's own channels, or a pattern for only such channels. */
export function isOwn(channelOrPattern: string): boolean {
  return channelOrPattern.startsWith(OWN);
}

/** Like a pattern, but it matches the daemon's own channels only if it names them as such. */
export function compileGrant(pattern: string): (channel: string) => boolean {
  const matches = compilePattern(pattern);
  return isOwn(pattern) ? matches : (channel) => !isOwn(channel) && matches(channel);
}
