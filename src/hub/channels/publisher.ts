import type { Broker } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { Relay } from '../../nodes/index.ts';
import { type JsonText, type Position, ProtocolError } from '../../protocol/index.ts';
import { InFlight } from '../in-flight.ts';
import type { Observers } from '../observer.ts';
import type { Channels } from './channels.ts';
import type { Excluded } from './excluded.ts';
import type { Patterns } from './patterns.ts';
import type { ChannelRules, Rules } from './rules.ts';

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
  /** What kind of publication it is. */
  readonly event?: string | undefined;
  /** On whose behalf the server publishes. */
  readonly user?: string | undefined;
  /** Does not get it while live; catching up, everybody gets what the log has. */
  readonly except?: Excluded | undefined;
  /** False delivers it to current subscribers without storing it. Default true. */
  readonly keep?: boolean | undefined;
  /** With `keep: false`: only the subscribers of this node get it. */
  readonly onlyHere?: boolean | undefined;
  /** What the client sent, if something else is published: the same text with the same key is the same publication. */
  readonly sent?: string | undefined;
  /** The same object for what must not pass each other: see `Publication.sequence`. */
  readonly sequence?: object | undefined;
}

export interface PublisherContext {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly channels: Channels;
  readonly patterns: Patterns;
  readonly rules: ChannelRules;
  readonly observers: Observers;
  /** To the other nodes, if there are any. */
  readonly relay: Relay | undefined;
}

/** Appends data to the channels' logs, from where it is delivered to the subscribers. */
export class Publisher {
  readonly #context: PublisherContext;
  readonly #inFlight = new InFlight();

  constructor(context: PublisherContext) {
    this.#context = context;
    context.relay?.follow((name, data, meta) => {
      this.#passOn(name, context.rules.of(name), data, meta).catch(() => {}); // at most once, as on the way here
    });
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
    { key, event, from, user = from?.user, except, keep = true, sent, sequence, onlyHere }: PublisherOptions,
  ): Promise<Position | undefined> {
    const { broker, clock, observers, relay } = this.#context;
    checkSize(name, rules, text);
    const meta = metaOf(key, user, event);
    // Another event is another publication.
    const compared = event === undefined ? sent : `[${JSON.stringify(event)},${sent ?? text}]`;
    const connection = from?.id;
    if (!keep) {
      if (!onlyHere) relay?.send(name, text, meta).catch(() => {}); // others get it at most once
      await this.#passOn(name, rules, text, meta, except);
      observers.tell('onPublished', { channel: name, data: text, position: undefined, user, connection, took: 0 });
      return undefined;
    }
    const begun = clock.now();
    const needsFollowUp = observers.needFollowUp(name);
    this.#inFlight.begin();
    try {
      const { position, duplicate } = await broker.publish(name, {
        data: text,
        meta,
        keep: rules.keep,
        ...(key !== undefined && { ...keyOf(key, from, user), ...(compared !== undefined && { sent: compared }) }),
        ...(except && { origin: except }),
        ...(sequence && { sequence }),
        ...(needsFollowUp && { needsFollowUp }),
      });
      const took = clock.now() - begun;
      const news = duplicate ? 'onRepeated' : 'onPublished';
      observers.tell(news, { channel: name, data: text, position, user, connection, took, needsFollowUp });
      return position;
    } catch (error) {
      observers.tell('onFailed', name, error);
      throw error;
    } finally {
      this.#inFlight.end();
    }
  }

  /** Delivers to this node's subscribers what no log keeps. Rejects as the broker does. */
  async #passOn(
    name: string,
    rules: Rules,
    text: string,
    meta: string | null,
    except?: PublisherOptions['except'],
  ): Promise<void> {
    const { channels, patterns } = this.#context;
    const opening = patterns.open(name, rules);
    if (opening) await opening;
    channels.get(name)?.passOn(text, meta, except?.wire);
  }
}

/** @throws ProtocolError TOO_LARGE. */
export function checkSize(channel: string, { maxData }: Rules, text: string): void {
  if (Buffer.byteLength(text) > maxData)
    throw new ProtocolError('TOO_LARGE', `the data is larger than the ${maxData} bytes that ${channel} allows`);
}

/**
 * The key for the broker, and its owner. A client's key is separate from those of other users: it starts with a minus,
 * or with the quotation mark of the user's JSON. The server's own keys belong to no client, whatever they start with,
 * also on a user's behalf: otherwise that user could take them first, and so keep the server from publishing.
 */
function keyOf(key: string, from: Publishing | undefined, user: string | undefined): { key: string; owner?: string } {
  const owner = JSON.stringify(user);
  if (from)
    return user === undefined
      ? { key: `- ${key}`, owner: from.remoteAddress ?? '' }
      : { key: `${owner} ${key}`, owner };
  if (user !== undefined) return { key: `+${owner} ${key}` };
  return { key: /^[-"+]/.test(key) ? `+ ${key}` : key };
}

function metaOf(key: string | undefined, user: string | undefined, event: string | undefined): string | null {
  if (event !== undefined) return JSON.stringify({ key, event, user });
  if (key === undefined && user === undefined) return null;
  if (user === undefined) return `{"key":${JSON.stringify(key)}}`;
  return key === undefined
    ? `{"user":${JSON.stringify(user)}}`
    : `{"key":${JSON.stringify(key)},"user":${JSON.stringify(user)}}`;
}
