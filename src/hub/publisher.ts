import { randomUUID } from 'node:crypto';
import { type Position, ProtocolError } from '../protocol/index.ts';
import type { LeftOut } from './channel.ts';
import type { House } from './house.ts';
import type { Rules } from './options.ts';

export interface Parcel {
  /** Makes a repetition harmless. */
  readonly key?: string | undefined;
  /** The user's id, for the publication's meta. */
  readonly user?: string | undefined;
  /** The connection that it comes from. A client's keys are of no concern to other users, nor to the server's own. */
  readonly connection?: string | undefined;
  /** Does not get it while live; catching up, everybody gets what the log has. */
  readonly except?: LeftOut | undefined;
  /** False passes it on to who is there now, and stores nothing. Default true. */
  readonly keep?: boolean | undefined;
}

/**
 * Puts data into a channel's log, whence it goes out to the subscribers. Resolves with its position once it is in the
 * log; undefined for what is not kept.
 * @throws ProtocolError BAD_DATA, TOO_LARGE; ZocaloError as the broker: KEY_REUSED, LOG_….
 */
export async function publish(
  house: House,
  name: string,
  rules: Rules,
  data: unknown,
  { key, user, except, keep = true, connection }: Parcel,
): Promise<Position | undefined> {
  const text = asJson(data);
  if (Buffer.byteLength(text) > rules.maxData)
    throw new ProtocolError('TOO_LARGE', `the data has more than the ${rules.maxData} bytes that ${name} takes`);
  if (!keep) {
    const opening = house.patterns.open(name, rules);
    if (opening) await opening;
    house.channels.get(name)?.passOn(text, metaOf(key, user), except?.wire);
    house.observers.tell('onPublished', { channel: name, data: text, position: undefined, user, connection, took: 0 });
    return undefined;
  }
  // Whom to leave out is found again by the meta when the broker tells of it, which must be like no other's.
  const meta = metaOf(except ? (key ?? randomUUID()) : key, user);
  const release = except && meta !== null ? house.channels.leaveOut(name, meta, except) : undefined;
  const begun = house.clock.now();
  house.publishing.begin();
  try {
    const { position, duplicate } = await house.broker.publish(name, {
      data: text,
      meta,
      keep: rules.keep,
      ...(key !== undefined && { key: connection === undefined ? key : scoped(key, user) }),
    });
    const took = house.clock.now() - begun;
    if (!duplicate)
      house.observers.tell('onPublished', { channel: name, data: text, position, user, connection, took });
    return position;
  } catch (error) {
    house.observers.tell('onFailed', name, error);
    throw error;
  } finally {
    house.publishing.end();
    release?.();
  }
}

/** JSON of a text begins with a quotation mark, so no key of one user is another's. */
function scoped(key: string, user: string | undefined): string {
  return user === undefined ? `- ${key}` : `${JSON.stringify(user)} ${key}`;
}

function metaOf(key: string | undefined, user: string | undefined): string | null {
  return key === undefined && user === undefined ? null : JSON.stringify({ key, user });
}

function asJson(data: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch {
    // a circle, or a bigint
  }
  if (text === undefined) throw new ProtocolError('BAD_DATA', 'the data cannot be written as JSON');
  return text;
}
