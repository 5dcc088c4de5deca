import type { Gap, Member, Meta, Position } from '../protocol/index.ts';

/** A publication, as delivered to a subscriber. */
export interface Message<T = unknown> extends Meta {
  channel: string;
  data: T;
  /** Its position in the channel's log; absent when it was published with `keep: false`. */
  position?: Position;
  /** Whether it was published by this client: it has a key of its outbox. */
  mine: boolean;
}

/** The members after a change. */
export interface PresenceEvent {
  members: ReadonlyMap<string, Member>;
  count: number;
  /** The member who joined, or whose data changed. */
  joined?: Member;
  /** The member who left. Both are absent when the whole list is new, as after a reconnect. */
  left?: Member;
}

/**
 * Publications between the position that we had and `oldest` are no longer in the log; delivery goes on after `head`.
 */
export interface GapEvent extends Gap {
  channel: string;
}

/**
 * For a pattern: publications of that channel after `have` up to `head` are lost; or of any channel, if it is the
 * pattern.
 */
export interface PatternGapEvent extends Partial<Gap> {
  channel: string;
}

/** Publications that the server left out by the channel's policy for slow readers, or because of `echo: false`. */
export interface SkipEvent {
  channel: string;
  /** Offsets, both inclusive. */
  from: number;
  to: number;
}
