import { type JsonText, type Position, ProtocolError } from '../protocol/index.ts';
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
  { text }: JsonText,
  { key, user, except, keep = true, connection }: Parcel,
): Promise<Position | undefined> {
  if (Buffer.byteLength(text) > rules.maxData)
    throw new ProtocolError('TOO_LARGE', `the data has more than the ${rules.maxData} bytes that ${name} takes`);
  if (!keep) {
    const opening = house.patterns.open(name, rules);
    if (opening) await opening;
    house.channels.get(name)?.passOn(text, metaOf(key, user), except?.wire);
    house.observers.tell('onPublished', { channel: name, data: text, position: undefined, user, connection, took: 0 });
    return undefined;
  }
  const begun = house.clock.now();
  house.publishing.begin();
  try {
    const { position, duplicate } = await house.broker.publish(name, {
      data: text,
      meta: metaOf(key, user),
      keep: rules.keep,
      ...(key !== undefined &&
        (connection === undefined
          ? { key: ownKey(key) }
          : { key: keyOf(user, key), owner: ownerOf(house, user, connection) })),
      ...(except && { origin: except }),
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
  }
}

/** A client's key, apart from those of other users: it begins with a minus, or with the quotation mark of the user's JSON. */
function keyOf(user: string | undefined, key: string): string {
  return user === undefined ? `- ${key}` : `${JSON.stringify(user)} ${key}`;
}

/** A key of the server's own, which is no client's, whatever it begins with. */
function ownKey(key: string): string {
  return /^[-"+]/.test(key) ? `+ ${key}` : key;
}

/** Who answers for a key: the user, or where a stranger comes from. */
function ownerOf({ users }: House, user: string | undefined, connection: string): string {
  return user === undefined ? (users.connections.get(connection)?.remoteAddress ?? '') : JSON.stringify(user);
}

function metaOf(key: string | undefined, user: string | undefined): string | null {
  if (key === undefined && user === undefined) return null;
  if (user === undefined) return `{"key":${JSON.stringify(key)}}`;
  return key === undefined
    ? `{"user":${JSON.stringify(user)}}`
    : `{"key":${JSON.stringify(key)},"user":${JSON.stringify(user)}}`;
}
