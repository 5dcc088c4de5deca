import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Bell, settled } from './bell.ts';
import { Crowd } from './crowd.ts';
import { Dice } from './dice.ts';
import { EventSubscriber } from './event-subscriber.ts';
import { FaultyLine, type LineOptions } from './faulty-line.ts';
import { publishByLines } from './line-publisher.ts';
import { Listener } from './listener.ts';
import { judge, type Verdict } from './oracle.ts';
import { publishByHand, publishBySdk, Record } from './publishers.ts';
import { RawSubscriber } from './raw-subscriber.ts';
import { type Life, ServerProcess } from './server-process.ts';
import { MANY, SHORT } from './settings.ts';
import { SilentPeers } from './silent-peers.ts';
import { newClient, SdkSubscriber, type Subscriber } from './subscriber.ts';
import type { ChaosOptions, Summary } from './summary.ts';
import { arrivalIn, pourLines, pourTexts } from './torrent.ts';
import { WebhookReceiver } from './webhook-receiver.ts';
import type { Witness } from './witness.ts';

/** More than the channel `short` keeps. */
const BEYOND_HISTORY = 2 * SHORT;

/** Texts in one go on a line that holds: more than a connection may send at once and have waiting. */
const TORRENT = 3_000;

/** Files that some lives of the server may open; and silent connections, which are more. */
const FEW_FILES = 256;
const SILENT = 300;

/** Publications that those miss who come back at once: some 300 KB. */
const MISSED = 80;

interface Faults extends Pick<LineOptions, 'isSlow'> {
  isForLines?: boolean;
}

/** One server, its file, and everybody who is connected to it over lines that fail. */
export class Chaos {
  readonly #options: ChaosOptions;
  readonly #dice: Dice;
  readonly #directory = mkdtempSync(join(tmpdir(), 'zocalo-chaos-'));
  readonly #hub: ServerProcess;
  readonly #bell = new Bell();
  readonly #record = new Record(this.#bell);
  readonly #lines: FaultyLine[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #listeners: Listener[] = [];
  /** What was sent by raw lines, by each connection. */
  readonly #sent: string[][] = [];
  readonly #whole: string[][] = [];
  readonly #silent = new SilentPeers(() => [...Array(9).fill(this.#hub.port), this.#hub.linePort]);
  readonly #receiver: WebhookReceiver;
  #crowd: Crowd | undefined;
  #secondsUntilBack = 0;
  readonly #cleanups: (() => void)[] = [];
  #bytesToKill = Number.POSITIVE_INFINITY;
  #mostBytesToKill = Number.POSITIVE_INFINITY;
  #kill = (): void => {};
  #stage = 'starting';

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#dice = new Dice(options.seed);
    this.#hub = new ServerProcess(this.#directory, () => this.#receiver.url);
    this.#receiver = new WebhookReceiver('room', this.#dice.fork(), this.#bell);
  }

  /** Rejects when it does not come to its end in time; what was wrong is in the summary's `violations`. */
  async run(): Promise<Summary> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(this.#whoWaits())), this.#options.patience);
    try {
      void this.#hub.ended.then(() => late.reject(new Error(this.#whoWaits())));
      return await Promise.race([this.#run(), late.promise]);
    } finally {
      clearTimeout(timer);
      await this.close();
    }
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    for (const subscriber of this.#subscribers) subscriber.stop();
    for (const listener of this.#listeners) listener.stop();
    this.#silent.leave();
    this.#crowd?.stop();
    for (const line of this.#lines) line.close();
    await this.#hub.kill();
    this.#receiver.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #run(): Promise<Summary> {
    const bell = this.#bell;
    await this.#receiver.open();
    await this.#hub.start({ files: FEW_FILES, isTold: true });
    const sdk = await this.#sdk('sdk', ['room', 'short']);
    const loop = await this.#sdk('loop', ['room'], true);
    const many = await this.#sdk('many', [...MANY, 'room']);
    const raw = await this.#raw('raw', ['room', 'short']);
    const slow = await this.#raw('slow', ['room'], { isSlow: true });
    const absent = await this.#raw('absent', ['short']);
    const events = await this.#events('events', ['room', 'short']);
    const slowEvents = await this.#events('slow events', ['room'], { isSlow: true });
    for (const kind of ['text', 'line', 'slow text', 'slow line']) await this.#listen(kind);
    const mayfly = await this.#raw('mayfly', ['room']);
    const stayers = [sdk, loop, many, raw, slow, absent, events, slowEvents];
    const all = [...stayers, mayfly].map(({ subscriber }) => subscriber);
    for (const subscriber of all) subscriber.start();
    await bell.until(() => all.every(({ isLive }) => isLive));

    this.#stage = 'publishing';
    for (const listener of this.#listeners) listener.start();
    for (const line of this.#lines) line.storm();
    const published = this.#publishAll();
    const killed = this.#killAll();
    const disturbed = this.#disturbUntil(published);
    await published;
    await disturbed;
    this.#stage = 'killing';
    // Hardly a byte passes any more.
    this.#mostBytesToKill = 1;
    this.#bytesToKill = Math.min(this.#bytesToKill, 1);
    await killed;

    this.#stage = 'leaving one behind';
    for (const { line } of [absent, events]) line.block();
    await this.#publish(
      'filler',
      Array.from({ length: BEYOND_HISTORY }, () => 'short'),
    );
    for (const { line } of [absent, events]) line.unblock();
    // It goes without a word, on a line that nobody hears break, and no restart of the server comes to help.
    mayfly.line.calm();
    await bell.until(() => mayfly.subscriber.isLive);
    mayfly.line.stall();
    mayfly.subscriber.stop();
    for (const line of this.#lines) line.calm();

    this.#stage = 'settling';
    // On lines that hold, nothing that is sent as text is lost, however much it is at once.
    while (!(await this.#hub.reload(true))) await pause(100);
    await this.#pour(raw.subscriber.witnesses[0]!);
    await this.#untilHeard();
    await this.#publish('last', ['room', 'short']);
    const witnesses = stayers.flatMap(({ subscriber }) => subscriber.witnesses);
    await bell.until(() => witnesses.every(({ channel, offset }) => offset >= this.#record.head(channel)));
    this.#stage = 'telling the webhook';
    await bell.until(() => this.#receiver.last >= this.#record.head('room'));
    this.#stage = 'reading the whole log';
    const late = await this.#raw('late', ['room']);
    const [book] = late.subscriber.witnesses;
    book!.begin([sdk.subscriber.witnesses[0]!.position![0], 0]);
    late.subscriber.start();
    await bell.until(() => book!.offset >= this.#record.head('room'));
    late.subscriber.stop();

    this.#stage = 'agreeing on who is here';
    const inRoom = stayers.filter(({ subscriber }) => subscriber.witnesses.some(({ channel }) => channel === 'room'));
    // Who reads events looks on, and is no member.
    const watchers = inRoom.filter(({ subscriber }) => !(subscriber instanceof EventSubscriber) || subscriber.looks);
    const here = inRoom.filter(({ subscriber }) => !(subscriber instanceof EventSubscriber));
    const truth = here.map(({ subscriber }) => subscriber.name).sort();
    await bell.until(() => watchers.every(({ subscriber }) => [...subscriber.members].sort().join() === truth.join()));
    for (const peer of [...this.#subscribers, ...this.#listeners]) peer.stop();

    const crowd = await this.#stampede();
    const { name, channel, seen, complaints } = this.#receiver;
    const informed = [{ name, channel, seen, complaints, kills: this.#hub.kills }];
    const others = { listeners: this.#listeners, sent: this.#sent, whole: this.#whole, informed };
    const stayed = [...witnesses, book!, ...crowd.witnesses];
    return this.#summary(judge(this.#record.published, stayed, mayfly.subscriber.witnesses, others));
  }

  async #sdk(name: string, channels: string[], loops = false) {
    const line = await this.#line();
    const subscriber = new SdkSubscriber(name, line.url, this.#dice.fork(), this.#bell, channels, loops);
    this.#subscribers.push(subscriber);
    return { line, subscriber };
  }

  async #raw(name: string, channels: string[], options: Pick<LineOptions, 'isSlow'> = {}) {
    const line = await this.#line(options);
    const subscriber = new RawSubscriber(name, { url: () => line.url }, this.#dice.fork(), this.#bell, channels);
    this.#subscribers.push(subscriber);
    return { line, subscriber };
  }

  async #events(name: string, channels: string[], options: Pick<LineOptions, 'isSlow'> = {}) {
    const line = await this.#line(options);
    const subscriber = new EventSubscriber(name.replace(' ', '-'), line.url, this.#dice.fork(), this.#bell, channels);
    this.#subscribers.push(subscriber);
    return { line, subscriber };
  }

  async #listen(kind: string): Promise<void> {
    const isForLines = kind.endsWith('line');
    const line = await this.#line({ isSlow: kind.startsWith('slow'), isForLines });
    const url = isForLines ? line.linesUrl : line.url;
    this.#listeners.push(new Listener(kind, 'room', url, this.#dice.fork(), this.#bell));
  }

  /** Publishes until everybody who has no position has heard one word: then they are there for the last one. */
  async #untilHeard(): Promise<void> {
    const haveHeard = () => this.#listeners.every(({ last }) => last === this.#record.published.at(-1)!.id);
    while (!haveHeard()) {
      await this.#publish('again', ['room']);
      await Promise.race([this.#bell.until(haveHeard), pause(500)]);
    }
  }

  async #line({ isForLines = false, ...options }: Faults = {}): Promise<FaultyLine> {
    const line = new FaultyLine({
      dice: this.#dice.fork(),
      target: () => (isForLines ? this.#hub.linePort : this.#hub.port),
      onBytes: (count) => this.#count(count),
      ...options,
    });
    this.#lines.push(line);
    await line.open();
    return line;
  }

  async #publishAll(): Promise<void> {
    const { messages } = this.#options;
    const one = () => {
      const roll = this.#dice.next();
      if (roll < 0.6) return 'room';
      return roll < 0.8 ? 'short' : MANY[this.#dice.below(MANY.length)]!;
    };
    const draw = (count: number) => Array.from({ length: count }, one);
    const line = await this.#line();
    line.storm();
    const byHand = Math.round(messages * 0.1);
    const half = Math.ceil((messages - byHand) / 2);
    await Promise.all([
      this.#publish('ana', draw(half), true),
      this.#publish('luis', draw(messages - byHand - half), true),
      publishByHand(line.url, 'hand', draw(byHand), this.#record, this.#dice.fork()),
      this.#publishByLines(byHand),
    ]);
  }

  async #publishByLines(count: number): Promise<void> {
    const line = await this.#line({ isForLines: true });
    line.storm();
    const channels = Array<string>(count).fill('room');
    // All along with the others, so that who may publish changes meanwhile.
    const turn = (index: number) => {
      const share = (0.8 * this.#options.messages * index) / count;
      return this.#bell.until(() => this.#record.acknowledged >= share);
    };
    this.#sent.push(...(await publishByLines(line.linesUrl, 'lines', channels, this.#record, this.#dice.fork(), turn)));
  }

  async #publish(name: string, channels: string[], isStormy = false): Promise<void> {
    const line = await this.#line();
    if (isStormy) line.storm();
    const client = newClient(name, line.url, this.#dice.fork());
    client.on('error', (error) => this.#record.failures.push(`${name}: the client reports ${error}`));
    this.#cleanups.push(() => client.close());
    await publishBySdk(client, name, channels, this.#record, this.#dice.fork());
  }

  /** Kills, spread over the publishing: each a drawn number of passing bytes after its share was acknowledged. */
  async #killAll(): Promise<void> {
    const { kills, messages } = this.#options;
    const dice = this.#dice.fork();
    while (this.#hub.kills < kills) {
      const share = (0.8 * messages * this.#hub.kills) / kills;
      await this.#bell.until(() => this.#record.acknowledged >= share);
      await new Promise<void>((resolve) => {
        this.#kill = resolve;
        this.#bytesToKill = Math.min(this.#mostBytesToKill, Math.floor(2 ** (16 * dice.next())));
      });
      await this.#hub.kill();
      await pause(dice.below(50));
      let starting = this.#hub.start(this.#life(dice));
      // Sometimes it dies again while it opens its file.
      if (dice.isLikely(0.1) && this.#hub.kills < kills) {
        await pause(dice.below(300));
        await this.#hub.kill();
        starting = this.#hub.start(this.#life(dice));
      }
      await starting;
    }
  }

  /** Half of them can open few files, and half of those do not know. */
  #life(dice: Dice): Life {
    return dice.isLikely(0.5) ? { files: FEW_FILES, isTold: dice.isLikely(0.5) } : {};
  }

  /**
   * Gives the server another configuration again and again, while something is under way; now and then while connections
   * that say nothing are there, more than it can have open.
   */
  async #disturbUntil(done: Promise<unknown>): Promise<void> {
    const isDone = settled(done);
    for (const dice = this.#dice.fork(); !isDone(); await pause(dice.below(200))) {
      if (dice.isLikely(0.4)) await this.#silent.come(SILENT);
      await pause(dice.below(100)); // until the server has taken them
      await this.#hub.reload();
      await pause(dice.below(300));
      this.#silent.leave();
    }
  }

  /** Texts and lines in one go; they have arrived when the witness has seen them. */
  async #pour({ seen }: Witness): Promise<void> {
    const arrived = arrivalIn(seen, this.#bell);
    const torrent = (name: string) => {
      return { name, count: TORRENT, record: this.#record, dice: this.#dice.fork(), arrived };
    };
    const [lines, texts] = await Promise.all([this.#line({ isForLines: true }), this.#line()]);
    this.#whole.push(
      ...(await Promise.all([
        pourLines(lines.linesUrl, torrent('poured lines')),
        pourTexts(texts.url, torrent('poured texts')),
      ])),
    );
  }

  /** Many who are away while much is published come back all at once, to a server that has just been killed. */
  async #stampede(): Promise<Crowd> {
    this.#stage = 'gathering a crowd';
    const { readers } = this.#options;
    // By its own clock: so many take a while.
    const life = { speed: 1 };
    await this.#hub.kill();
    await this.#hub.start(life);
    const url = () => `ws://127.0.0.1:${this.#hub.port ?? 1}`;
    const crowd = new Crowd(readers, 'crowd', url, this.#dice.fork(), this.#bell);
    this.#crowd = crowd;
    crowd.start();
    await this.#bell.until(() => crowd.isLive);
    crowd.leave();
    await this.#publish('caller', Array<string>(MISSED).fill('crowd'));
    await this.#hub.kill();
    this.#stage = 'coming back at once';
    const begun = performance.now();
    crowd.comeBack();
    await this.#hub.start(life);
    await this.#bell.until(() => crowd.witnesses.every(({ offset }) => offset >= this.#record.head('crowd')));
    this.#secondsUntilBack = Math.round((performance.now() - begun) / 1000);
    crowd.stop();
    return crowd;
  }

  #count(bytes: number): void {
    this.#bytesToKill -= bytes;
    if (this.#bytesToKill > 0) return;
    this.#bytesToKill = Number.POSITIVE_INFINITY;
    this.#kill();
  }

  #summary(verdict: Verdict): Summary {
    const sum = (of: 'cuts' | 'stalls' | 'delays') => this.#lines.reduce((total, { counts }) => total + counts[of], 0);
    this.#hub.measure();
    const { kills, slow, errors, reloads, refusedReloads, full, memory } = this.#hub;
    return {
      ...verdict,
      violations: [...verdict.violations, ...this.#record.failures, ...errors],
      kills,
      reloads,
      refusedReloads,
      slow,
      silent: this.#silent.count,
      full,
      readers: this.#options.readers,
      secondsUntilBack: this.#secondsUntilBack,
      memory,
      cuts: sum('cuts'),
      stalls: sum('stalls'),
      delays: sum('delays'),
    };
  }

  #whoWaits(): string {
    const { acknowledged, published, failures } = this.#record;
    const readers = this.#subscribers.map(({ name, witnesses, state, members }) => {
      const behind = witnesses.filter(({ channel, offset }) => offset < this.#record.head(channel));
      const places = behind.map(({ channel, offset }) => `${channel} ${offset}/${this.#record.head(channel)}`);
      return `${name}: ${places.join(', ')}, ${state}, sees ${[...members].join(' ')}`;
    });
    const complaints = this.#subscribers.flatMap(({ witnesses }) => witnesses.flatMap(({ complaints }) => complaints));
    return [
      `seed ${this.#options.seed}: still ${this.#stage} after ${this.#options.patience} ms`,
      `${this.#hub.kills} kills, ${this.#hub.reloads} reloads, ${this.#hub.slow} slow readers, ${acknowledged} of ${published.length} acknowledged`,
      ...readers,
      `the webhook was told of ${this.#receiver.last}`,
      ...this.#listeners.map(({ name, last }) => `${name}: heard ${last}`),
      ...[...complaints, ...this.#receiver.complaints, ...failures, ...this.#hub.errors].slice(0, 20),
    ].join('\n');
  }
}
