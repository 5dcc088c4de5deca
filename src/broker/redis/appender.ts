import { ZocaloError } from '../../errors.ts';
import type { Position } from '../../protocol/index.ts';
import type { Entry } from '../broker.ts';
import { type KeyWindow, keyReused, noRoom } from '../key-window.ts';
import type { Moment } from '../log-time.ts';
import { Sequences } from '../sequences.ts';
import type { KeyRoom } from './key-room.ts';
import { type ChannelKeys, dataMark, followUpsIn, type Keys } from './keys.ts';
import { finite, type Item, keepOf } from './lanes.ts';
import type { Appended, Link } from './link.ts';
import type { News } from './news.ts';

/** What one call has appended, or may have, until this process's listeners were told of it. */
export interface Call {
  readonly channel: string;
  readonly items: readonly Item[];
  /** Known from the answer, or from the announcement. */
  epoch: string;
  last: number;
  /** The origins of entries, by offset. */
  readonly origins: Map<number, object>;
}

export interface AppenderOptions {
  readonly link: Link;
  readonly keys: Keys;
  readonly window: KeyWindow;
  readonly room: KeyRoom;
  readonly moment: () => Moment;
  /** What every script gets: seed, moment, era. */
  readonly common: (keys: ChannelKeys, moment: Moment) => (string | number)[];
  readonly forgetAfter: number;
  readonly node: string;
  readonly announce: string;
  /** Resolves when what was appended is as durable as was promised. */
  readonly confirm: (server: Appended['server']) => Promise<void> | undefined;
  /** Resolves when this process's listeners were told up to the call's end. */
  readonly told: (call: Call) => Promise<void> | undefined;
}

/** Appends publications by the script, and settles them. */
export class Appender {
  readonly #options: AppenderOptions;
  /** Calls whose entries this process has not heard of yet. */
  readonly #calls = new Map<number, Call>();
  readonly #byChannel = new Map<string, Set<Call>>();
  readonly #sequences = new Sequences();
  #number = 0;
  #drained: (() => void) | undefined;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** The origin that an entry of the log has in this process, if it was published here just now. */
  withOrigins(channel: string, epoch: string, entries: readonly Entry[]): readonly Entry[] {
    const calls = this.#byChannel.get(channel);
    if (!calls) return entries;
    return entries.map((entry) => {
      for (const call of calls) {
        const origin = call.epoch === epoch ? call.origins.get(entry.offset) : undefined;
        if (origin) return { ...entry, origin };
      }
      return entry;
    });
  }

  /** News of this process, with the origins of its entries. */
  recognize({ call: number, epoch, entries, indexes }: News): readonly Entry[] {
    const call = this.#calls.get(number);
    if (!call) return entries;
    call.epoch = epoch;
    for (const [at, entry] of entries.entries()) {
      const origin = call.items[indexes[at]!]?.publication.origin;
      if (origin) entry.origin = origin;
    }
    return entries;
  }

  /** Resolves when the next call may be sent; never rejects. */
  async append(channel: string, all: readonly Item[]): Promise<void> {
    const items = all.filter((item) => !this.#isPastRefusal(item));
    if (items.length === 0) return;
    const { link, moment: look, node } = this.#options;
    const number = ++this.#number;
    const call: Call = { channel, items, epoch: '', last: 0, origins: new Map() };
    this.#calls.set(number, call);
    const calls = this.#byChannel.get(channel);
    if (calls) calls.add(call);
    else this.#byChannel.set(channel, new Set([call]));
    const moment = look();
    let appended: Appended;
    try {
      const keys = this.#options.keys.of(channel);
      const [names, args] = this.#words(keys, moment, items, `${node}`, number);
      appended = await link.append(keys.partition, names, args);
    } catch (error) {
      this.#end(number, call);
      for (const item of items) this.#refuse(item, error);
      return;
    }
    void this.#settle(number, call, moment, appended);
  }

  async #settle(number: number, call: Call, moment: Moment, { answer, server }: Appended): Promise<void> {
    const [epoch, text] = answer as [string, string];
    const { room, told, confirm } = this.#options;
    const { channel, items } = call;
    const outcomes = text.split(' ');
    call.epoch = epoch;
    for (const [at, item] of items.entries()) {
      const { publication } = item;
      const offset = Number(outcomes[at]);
      // At once, before the next call is sent.
      if (outcomes[at] === 'b') this.#refuse(item, new ZocaloError('LOG_BUSY', noRoom(channel, publication.owner)));
      if (!(offset > 0)) continue;
      call.last = offset;
      if (publication.origin) call.origins.set(offset, publication.origin);
      if (publication.key !== undefined) room.add(publication.owner, moment);
    }
    try {
      if (call.last > 0) {
        await confirm(server);
        await told(call);
      }
      for (const [at, item] of items.entries()) settle(channel, item, epoch, outcomes[at]!);
    } catch (error) {
      for (const item of items) this.#refuse(item, error);
    } finally {
      this.#end(number, call);
    }
  }

  #isPastRefusal({ publication, reject }: Item): boolean {
    const refusal = this.#sequences.refusalOf(publication.sequence);
    if (refusal) reject(refusal);
    return refusal !== undefined;
  }

  #refuse({ publication, reject }: Item, error: unknown): void {
    if (error instanceof ZocaloError) this.#sequences.refuse(publication.sequence, error);
    reject(error);
  }

  /** Resolves when everything is settled. */
  async drain(): Promise<void> {
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  #end(number: number, call: Call): void {
    this.#calls.delete(number);
    if (this.#calls.size === 0) this.#drained?.();
    const calls = this.#byChannel.get(call.channel);
    calls?.delete(call);
    if (calls?.size === 0) this.#byChannel.delete(call.channel);
  }

  /** Keys and arguments of the script. */
  #words(
    keys: ChannelKeys,
    moment: Moment,
    items: readonly Item[],
    node: string,
    number: number,
  ): [string[], (string | number)[]] {
    const { window, room, common, forgetAfter, announce } = this.#options;
    const isFollowed = items.some(({ publication }) => publication.needsFollowUp);
    const follow = isFollowed ? items.map(({ publication }) => (publication.needsFollowUp ? 1 : 0)).join('') : '';
    const names = [keys.seeds, keys.log, keys.entries];
    const owners = new Map<string | undefined, number>();
    const indexes = new Map<string, number>();
    const sequences = new Map<object, number>();
    const body: (string | number)[] = [];
    for (const { publication } of items) {
      const { data, meta, key, sent = data, owner, sequence } = publication;
      let index = 0;
      let mark = '';
      let ownerIndex = 0;
      if (key !== undefined) {
        index = indexes.get(key) ?? 0;
        if (index === 0) {
          names.push(this.#options.keys.known(keys, key));
          index = names.length - 3;
          indexes.set(key, index);
        }
        mark = dataMark(sent);
        ownerIndex = owners.get(owner) ?? owners.size + 1;
        owners.set(owner, ownerIndex);
      }
      const sequenceIndex = sequence ? (sequences.get(sequence) ?? sequences.size + 1) : 0;
      if (sequence) sequences.set(sequence, sequenceIndex);
      body.push(data, meta ?? '', ...keepOf(publication), index, mark, ownerIndex, sequenceIndex);
    }
    const left = owners.size > 0 ? finite(room.left(moment)) : 0;
    const counts = [...owners.keys()].flatMap((owner) => [room.of(owner), owner === undefined ? 8 : 1]);
    const head = [window.ttl, forgetAfter, announce, keys.topic, keys.familyTopic, node, number, left];
    if (isFollowed) names.push(followUpsIn(keys.base));
    return [names, [...common(keys, moment), ...head, follow, owners.size, ...counts, ...body]];
  }
}

function settle(channel: string, { publication, resolve, reject }: Item, epoch: string, outcome: string): void {
  const { key = '' } = publication;
  if (outcome === 'r') reject(new ZocaloError('KEY_REUSED', keyReused(channel, key)));
  else if (outcome !== 'b') {
    const duplicate = outcome.startsWith('=');
    const position: Position = [epoch, Number(duplicate ? outcome.slice(1) : outcome)];
    resolve({ position, duplicate });
  }
}
