import type { Broker } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import { type JsonText, type Position, ProtocolError } from '../../protocol/index.ts';
import { InFlight } from '../in-flight.ts';
import type { Observers } from '../observer.ts';
import type { Channels } from './channels.ts';
import type { Excluded } from './excluded.ts';
import type { Patterns } from './patterns.ts';
import type { Rules } from './rules.ts';

/** The connection that publishes. */
export interface Publishing {
  readonly id: string;
  /** Included in the publication's meta. */
  readonly user: string | undefined;
  readonly remoteAddress: string | undefined;
}

export interface PublisherOptions {
  /** Makes repeating safe. */
  readonly key?: string | undefined;
  /** Undefined: the server itself. A client's keys are separate from those of other users and of the server. */
  readonly from?: Publishing | undefined;
  /** Does not get it while live; catching up, everybody gets what the log has. */
  readonly except?: Excluded | undefined;
  /** False delivers it to current subscribers without storing it. Default true. */
  readonly keep?: boolean | undefined;
}

export interface PublisherContext {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly channels: Channels;
  readonly patterns: Patterns;
  readonly observers: Observers;
}

/** Appends data to the channels' logs, from where it is delivered to the subscribers. */
export class Publisher {
  readonly #context: PublisherContext;
  readonly #inFlight = new InFlight();

  constructor(context: PublisherContext) {
    this.#context = context;
  }

  /** Resolves when everything published until now is in the log, or after `limit` milliseconds. */
  settled(limit: number): Promise<void> {
    return this.#inFlight.settled(this.#context.clock, limit);
  }

  /**
   * Resolves with the position once the data is in the log; with undefined for `keep: false`.
   * @throws ProtocolError BAD_DATA, TOO_LARGE; ZocaloError as the broker: KEY_REUSED, LOG_….
   */
  async publish(
    name: string,
    rules: Rules,
    { text }: JsonText,
    { key, from, except, keep = true }: PublisherOptions,
  ): Promise<Position | undefined> {
    const { broker, clock, channels, patterns, observers } = this.#context;
    if (Buffer.byteLength(text) > rules.maxData)
      throw new ProtocolError('TOO_LARGE', `the data is larger than the ${rules.maxData} bytes that ${name} allows`);
    const user = from?.user;
    const meta = metaOf(key, user);
    const connection = from?.id;
    if (!keep) {
      const opening = patterns.open(name, rules);
      if (opening) await opening;
      channels.get(name)?.passOn(text, meta, except?.wire);
      observers.tell('onPublished', { channel: name, data: text, position: undefined, user, connection, took: 0 });
      return undefined;
    }
    const begun = clock.now();
    this.#inFlight.begin();
    try {
      const { position, duplicate } = await broker.publish(name, {
        data: text,
        meta,
        keep: rules.keep,
        ...(key !== undefined && keyOf(key, from)),
        ...(except && { origin: except }),
      });
      const took = clock.now() - begun;
      if (!duplicate) observers.tell('onPublished', { channel: name, data: text, position, user, connection, took });
      return position;
    } catch (error) {
      observers.tell('onFailed', name, error);
      throw error;
    } finally {
      this.#inFlight.end();
    }
  }
}

/**
 * The key for the broker, and its owner. A client's key is separate from those of other users: it starts with a minus,
 * or with the quotation mark of the user's JSON. The server's own keys belong to no client, whatever they start with.
 */
function keyOf(key: string, from: Publishing | undefined): { key: string; owner?: string } {
  if (from === undefined) return { key: /^[-"+]/.test(key) ? `+ ${key}` : key };
  if (from.user === undefined) return { key: `- ${key}`, owner: from.remoteAddress ?? '' };
  const owner = JSON.stringify(from.user);
  return { key: `${owner} ${key}`, owner };
}

function metaOf(key: string | undefined, user: string | undefined): string | null {
  if (key === undefined && user === undefined) return null;
  if (user === undefined) return `{"key":${JSON.stringify(key)}}`;
  return key === undefined
    ? `{"user":${JSON.stringify(user)}}`
    : `{"key":${JSON.stringify(key)},"user":${JSON.stringify(user)}}`;
}
