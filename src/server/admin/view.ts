/** What the admin page receives over the daemon's own channels. It imports nothing, so that the page can import it. */

/** The prefix of the daemon's own channels. */
export const OWN_PREFIX = 'zocalo:';
/** Carries an `AdminNews` each second while the page is open. */
export const ADMIN_CHANNEL = 'zocalo:admin';
/** `zocalo:watch:user:<id>` and `zocalo:watch:channel:<name>` carry a `Traffic` for each thing that happens there. */
export const WATCH_PREFIX = 'zocalo:watch:';

/** What a channel's name has left for a user, after the prefix. */
const LONGEST = 255 - `${WATCH_PREFIX}user:`.length;

/**
 * The part of the channel's name after the prefix. A user's id may be longer than a channel's name, or have characters
 * that a name cannot have: it is escaped and cut, so that very long ids with the same start are watched together.
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
  /** The delay of the event loop in milliseconds: the 99th percentile. */
  delay: number;
  /** Resident memory in bytes. Absent where the system does not report it. */
  memory?: number;
  /** Of one core, 0 to 1. */
  cpu: number;
}

export interface ChannelRow {
  name: string;
  subscribers: number;
  /** Undefined where the channel has no presence. */
  members?: number;
  /** Publications per second, over the last ten seconds. */
  rate: number;
}

export interface ConnectionRow {
  id: string;
  user?: string;
  address?: string;
  since: number;
  channels: number;
}

/** Something that went wrong for a client. */
export interface Mishap {
  at: number;
  /** The code of the refusal, or SLOW. */
  code: string;
  user?: string;
  /** Undefined when a handshake was refused. */
  connection?: string;
  channel?: string;
  /** The client's. */
  address?: string;
  /** The sentence that the client was sent. */
  message?: string;
}

/** Something outside that the daemon works with. */
export interface LinkRow {
  kind: 'source' | 'sink' | 'handler' | 'store';
  name: string;
  /** An address without a password, or a path. */
  place?: string;
  ok: boolean;
  /** How many readings, rows or publications wait. */
  waiting?: number;
  /** Seconds for which the oldest of them has waited. */
  lag?: number;
  /** How many rows were set aside. */
  aside?: number;
  /** What is wrong, or was last. */
  error?: string;
}

/** One of several nodes. */
export interface NodeRow {
  id: string;
  host: string;
  process: number;
  /** Milliseconds since 1970. */
  started: number;
  /** It is the one that serves the page, and that all other tables are about. */
  isHere: boolean;
  /** Missing if it does not answer. */
  figures?: { connections: number; users: number; channels: number };
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
  /** What does not work first. */
  links: LinkRow[];
  /** Those that live; none where there is only this one. */
  nodes: NodeRow[];
}

/** The first data of a page. */
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
