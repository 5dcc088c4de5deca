/** What the admin's page is told, over the daemon's own channels. It imports nothing, so that the page may import it. */

/** The daemon's own channels begin with it. */
export const OWN_PREFIX = 'zocalo:';
/** Carries an `AdminNews` each second while somebody looks. */
export const ADMIN_CHANNEL = 'zocalo:admin';
/** `zocalo:watch:user:<id>` and `zocalo:watch:channel:<name>` carry a `Traffic` for each thing that happens there. */
export const WATCH_PREFIX = 'zocalo:watch:';

/** The longest that a channel's name can be, without what is before a user in it. */
const LONGEST = 255 - `${WATCH_PREFIX}user:`.length;

/**
 * What stands for a user or a channel behind the prefix. A user's id may have characters that a channel's name cannot,
 * and be longer: of the longest, those who begin alike are watched together.
 */
export function watchedName(kind: 'user' | 'channel', name: string): string {
  return `${kind}:${kind === 'user' ? encodeURIComponent(name).replaceAll('*', '%2A').slice(0, LONGEST) : name}`;
}

/** One second. */
export interface Sample {
  /** Milliseconds since 1970. */
  at: number;
  connections: number;
  users: number;
  channels: number;
  /** Lines from clients. */
  received: number;
  /** Messages to clients: a publication to a hundred subscribers is a hundred. */
  delivered: number;
  published: number;
  /** Requests that were refused, and connections that were ended. */
  refused: number;
  /** Milliseconds: for 99 of 100 turns of the event loop the delay was less. */
  delay: number;
  /** Bytes of memory that the process holds. Absent where the machine does not tell. */
  memory?: number;
  /** Of one core, 0 to 1. */
  cpu: number;
}

export interface ChannelRow {
  name: string;
  subscribers: number;
  /** Undefined where the channel has no presence. */
  members?: number;
  /** Publications of the last ten seconds, a second. */
  rate: number;
}

export interface ConnectionRow {
  id: string;
  user?: string;
  address?: string;
  since: number;
  channels: number;
}

/** Something that went wrong for somebody. */
export interface Mishap {
  at: number;
  /** The code of the refusal, or SLOW. */
  code: string;
  user?: string;
  /** Undefined for what was refused before it was one. */
  connection?: string;
  channel?: string;
  /** The client's. */
  address?: string;
  /** The sentence that they were told. */
  message?: string;
}

export interface AdminNews {
  sample: Sample;
  /** The busiest first. */
  channels: ChannelRow[];
  /** The newest first. */
  connections: ConnectionRow[];
  /** The newest first. */
  slow: Mishap[];
  errors: Mishap[];
}

/** What a page that was just opened needs. */
export interface AdminSession {
  token: string;
  /** Milliseconds. */
  expiresIn: number;
  version: string;
  /** Milliseconds since 1970. */
  started: number;
  /** The last five minutes. */
  samples: Sample[];
}

export interface Traffic {
  at: number;
  kind: 'connected' | 'disconnected' | 'published' | 'refused' | 'slow';
  user?: string;
  connection?: string;
  channel?: string;
  /** JSON, as it was published. */
  data?: string;
  offset?: number;
  code?: string;
  message?: string;
}
