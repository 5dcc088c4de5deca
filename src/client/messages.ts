import type { Gap, Member, Position } from '../protocol/index.ts';

/** A publication, as a subscriber gets it. */
export interface Message<T = unknown> {
  channel: string;
  data: T;
  /** Its place in the channel's log; absent when it was published without being kept. */
  position?: Position;
  /** Whether it was published here: it has a key of this client's outbox. */
  mine: boolean;
  key?: string;
  user?: string;
  /** Milliseconds since 1970. */
  time?: number;
}

/** Who is here, after a change. */
export interface PresenceEvent {
  members: ReadonlyMap<string, Member>;
  count: number;
  /** The one who came, or whose data changed. */
  joined?: Member;
  /** The one who left. Neither is there when the whole list is new, as after a reconnect. */
  left?: Member;
}

/** What was between the position that we had and `oldest` is not in the log any more; it goes on after `head`. */
export interface GapEvent extends Gap {
  channel: string;
}

/** Of a pattern: in that channel, what is after `have` and up to `head`; or in any, where `channel` is the pattern. */
export interface PatternGapEvent extends Partial<Gap> {
  channel: string;
}

/** What the server left out by the channel's policy for slow readers, or because this client published it silently. */
export interface SkipEvent {
  channel: string;
  /** Offsets, both included. */
  from: number;
  to: number;
}
