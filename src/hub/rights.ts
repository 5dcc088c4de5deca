import { compilePattern } from '../protocol/index.ts';

/**
 * What one identity may do, by channels' names and patterns: as a token's claims say it. What is not named is not
 * granted. An identity without rights has none of its own: then the channels' options alone decide.
 */
export interface Rights {
  /** Channels that it may subscribe to and whose history it may read. */
  readonly subscribe?: readonly string[];
  readonly publish?: readonly string[];
  /** Channels of which it may see who is here. */
  readonly presence?: readonly string[];
}

export type Action = keyof Rights;

/** Rights, compiled once for each identity. */
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

/** What the daemon itself has to say, of everybody's traffic too: `*` in somebody's rights does not mean that. */
const OWN = 'zocalo:';

/** Whether a channel is the daemon's own, or a pattern names such channels and no others. */
export function isOwn(channelOrPattern: string): boolean {
  return channelOrPattern.startsWith(OWN);
}

/** As a pattern matches, but the daemon's own channels only by one that names them as such. */
export function compileGrant(pattern: string): (channel: string) => boolean {
  const matches = compilePattern(pattern);
  return isOwn(pattern) ? matches : (channel) => !isOwn(channel) && matches(channel);
}
