import type { Caller, Hub, HubObserver, Refusal, Taken } from '../../hub/index.ts';
import { type ChannelRow, type ConnectionRow, type Mishap, OWN_PREFIX, type Sample } from './view.ts';

/** Rows of a table that are sent; nobody reads more. */
const ROWS = 100;
/** Channels whose publications are counted at a time. Beyond that the oldest is dropped, which bounds the memory. */
const COUNTED = 1_000;
/** Seconds over which a channel's rate is averaged. */
const WINDOW = 10;

/** Counts what happens in a hub, for a sample each second. */
export class Recorder implements HubObserver {
  readonly #hub: Hub;
  #received = 0;
  #delivered = 0;
  #published = 0;
  #refused = 0;
  readonly #slow: Mishap[] = [];
  readonly #errors: Mishap[] = [];
  /** Publications of each channel, in this window and in the one before. */
  #counts = new Map<string, number>();
  #before = new Map<string, number>();
  #seconds = 0;
  readonly #now: () => number;

  /** `now`: milliseconds since 1970. */
  constructor(hub: Hub, now: () => number) {
    this.#hub = hub;
    this.#now = now;
  }

  onReceived(_: Caller, lines: number): void {
    this.#received += lines;
  }

  onDelivered(receivers: number): void {
    this.#delivered += receivers;
  }

  onPublished({ channel }: Taken): void {
    if (channel.startsWith(OWN_PREFIX)) return;
    this.#published++;
    const count = this.#counts.get(channel) ?? 0;
    if (count === 0 && this.#counts.size >= COUNTED) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(channel, count + 1);
  }

  onRefused(who: Caller, code: string, { channel, message }: Refusal): void {
    this.#refused++;
    note(this.#errors, { ...mishap(this.#now(), code, who), ...(channel !== undefined && { channel }), message });
  }

  /** A handshake was refused. */
  refused(code: string, message: string, address = ''): void {
    this.#refused++;
    note(this.#errors, { at: this.#now(), code, message, ...(address !== '' && { address }) });
  }

  onSlow(who: Caller): void {
    note(this.#slow, mishap(this.#now(), 'SLOW', who));
  }

  /** What happened since the last call, which was a second ago. */
  sample(machine: Pick<Sample, 'delay' | 'memory' | 'cpu'>): Sample {
    const sample = {
      at: this.#now(),
      connections: this.#hub.connections.length,
      users: this.#hub.users.length,
      channels: this.#hub.channels.length,
      received: this.#received,
      delivered: this.#delivered,
      published: this.#published,
      refused: this.#refused,
      ...machine,
    };
    this.#received = this.#delivered = this.#published = this.#refused = 0;
    this.#seconds = (this.#seconds + 1) % WINDOW;
    if (this.#seconds === 0) {
      this.#before = this.#counts;
      this.#counts = new Map();
    }
    return sample;
  }

  get slow(): readonly Mishap[] {
    return this.#slow;
  }

  get errors(): readonly Mishap[] {
    return this.#errors;
  }

  /** The busiest channels first, then those with the most subscribers. */
  channels(): ChannelRow[] {
    const names = new Set([...this.#hub.channels, ...this.#counts.keys(), ...this.#before.keys()]);
    const others = [...names].filter((name) => !name.startsWith(OWN_PREFIX));
    const rows = others.map((name): ChannelRow => {
      const members = this.#hub.presence(name).count;
      // The part of the last window that the current one does not cover yet.
      const earlier = (this.#before.get(name) ?? 0) * (1 - this.#seconds / WINDOW);
      const rate = ((this.#counts.get(name) ?? 0) + earlier) / WINDOW;
      return { name, subscribers: this.#hub.subscribers(name), ...(members > 0 && { members }), rate };
    });
    return rows.sort((a, b) => b.rate - a.rate || b.subscribers - a.subscribers).slice(0, ROWS);
  }

  /** The newest first. */
  connections(): ConnectionRow[] {
    return this.#hub.connections
      .slice(-ROWS)
      .reverse()
      .map(({ id, user, remoteAddress, since, channels }) => ({
        id,
        ...(user !== undefined && { user }),
        ...(remoteAddress !== undefined && { address: remoteAddress }),
        since,
        channels: channels.length,
      }));
  }
}

function mishap(at: number, code: string, { user, id, request }: Caller): Mishap {
  const address = request?.remoteAddress;
  return { at, code, ...(user !== undefined && { user }), connection: id, ...(address !== undefined && { address }) };
}

function note(list: Mishap[], one: Mishap): void {
  list.unshift(one);
  if (list.length > ROWS) list.pop();
}
