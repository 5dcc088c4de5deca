import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { parseAddress, type StreamSocket, toZocaloError } from '../../stream/index.ts';
import type { Framer, FramerEnvironment } from '../framing/index.ts';
import { FILE } from './file-socket.ts';
import type { Heard, Interpreter } from './interpreter.ts';
import type { DeviceLimits } from './options.ts';
import { type Poll, Poller } from './poller.ts';
import { Readings, type ReadingsContext } from './readings.ts';
import type { KnownLine, Registry } from './registry.ts';
import type { Reports } from './reports.ts';

/** Milliseconds of silence after which nothing more of a retired line is on its way. */
const DRAIN = 50;
/** Milliseconds that a retired line is waited for in all: its device may go on sending. */
const LONGEST_DRAIN = 1_000;
/** Milliseconds that a device has to take the last answers; behind a retired line there may be nobody. */
const FAREWELL = { ended: 5_000, retired: 1_000 } as const;
/** How many false beginnings are given up in one silence. Garbage may look like thousands. */
const GIVE_UPS = 64;

/** What all lines of a source have in common. */
export interface LineContext extends ReadingsContext {
  readonly interpreter: Interpreter;
  readonly framer: (environment: FramerEnvironment) => Framer;
  readonly registry: Registry;
  readonly isAllowed: (device: string | undefined) => boolean;
  readonly reports: Reports;
  readonly limits: DeviceLimits;
  /** Undefined: the device speaks by itself. */
  readonly poll: Poll | undefined;
  /** The line has sent its first good frame. */
  readonly onFrame: (line: DeviceLine) => void;
}

type Event = IteratorResult<Buffer, undefined> | 'time' | 'woken';

/**
 * A connection with a device. It reads only when everything that it has read is stored: meanwhile the socket is paused,
 * and TCP makes the device wait.
 */
export class DeviceLine implements KnownLine {
  readonly address: string;
  readonly host: string;
  readonly number: number;
  readonly over: Promise<void>;
  readonly #socket: StreamSocket;
  readonly #context: LineContext;
  readonly #framer: Framer;
  readonly #over = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #device: string | undefined;
  readonly #retired = Promise.withResolvers<void>();
  #isRetired = false;
  /** Milliseconds that it has waited for bytes since it was retired. */
  #drained = 0;
  #hasFrames = false;
  /** How many skipped bytes were counted. */
  #skipped = 0;
  /** Since when it has waited for bytes, and for the rest of the frame that has begun. */
  #since: number;
  #patience: number;
  #wake: (() => void) | undefined;
  readonly #poller: Poller | undefined;
  readonly #readings: Readings;

  constructor(socket: StreamSocket, number: number, context: LineContext) {
    this.#socket = socket;
    this.#context = context;
    this.address = socket.remoteAddress;
    this.host = hostOf(this.address);
    this.number = number;
    this.over = this.#over.promise;
    this.#framer = context.framer({ clock: context.clock, report: (error) => this.#refuse(error) });
    this.#since = this.#patience = context.clock.now();
    this.#readings = new Readings(context, {
      signal: this.#stop.signal,
      onFailure: (error, isFinal) => (isFinal ? this.#refuse(error) : this.#report(error)),
    });
    this.#poller =
      context.poll &&
      new Poller(context.poll, {
        clock: context.clock,
        write: (request) => this.write(request),
        onUnanswered: (sent, isOver) => {
          const what = isOver
            ? 'requests in a row had no answer, and the line is ended'
            : 'of the requests had no answer';
          this.#report(new ZocaloError('POLL_UNANSWERED', `${this.address}: ${sent} ${what}`));
          if (isOver) this.close();
        },
      });
  }

  /** Resolves when the line is over: the device has ended it or fell silent, or it was retired or closed. */
  async run(): Promise<void> {
    const { registry, totals, interpreter } = this.#context;
    try {
      const name = interpreter.nameOf(this.host);
      if (name !== undefined) await this.#identify(name);
      this.#poller?.start();
      await this.#read();
      await this.#farewell();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#report(toZocaloError(error, this.address));
    } finally {
      this.#poller?.stop();
      this.close();
      this.#countSkipped(this.#framer.pending);
      if ('dropped' in this.#socket) totals.dropped += Number(this.#socket.dropped);
      if (this.#device !== undefined) registry.leave(this, this.#device);
      this.#over.resolve();
    }
  }

  retire(): void {
    this.#isRetired = true;
    this.#since = this.#patience = this.#clock.now();
    this.#poller?.stop();
    this.#retired.resolve();
    this.#wake?.();
  }

  /** Ends it at once: what is not stored is lost, and was not answered. */
  close(): void {
    this.#stop.abort();
    this.#socket.destroy();
    this.#wake?.();
  }

  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#socket.writable) return reject(new ZocaloError('SOCKET_CLOSED', `${this.address} takes nothing`));
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Of a line that is retired, bytes are on their way in real time, also while the clock of a test stands still. */
  get #clock(): Clock {
    return this.#isRetired ? systemClock : this.#context.clock;
  }

  async #read(): Promise<void> {
    const chunks = this.#socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    for (let next = chunks.next(); ; ) {
      const event = await this.#event(next);
      const waited = this.#clock.now() - this.#since;
      if (this.#isRetired && event !== 'woken') this.#drained += waited;
      if (event === 'time') await this.#onTime();
      else if (event !== 'woken') {
        if (event.done) break;
        this.#framer.append(event.value);
      }
      await this.#takeFrames();
      this.#countSkipped();
      if (this.#stop.signal.aborted || this.#drained >= (event === 'time' ? DRAIN : LONGEST_DRAIN)) return;
      if (typeof event === 'string') continue;
      next = chunks.next();
      // Not since the bytes came: until now they were being stored, and nothing more was read.
      this.#since = this.#patience = this.#clock.now();
    }
    const last = this.#framer.end();
    if (last) await this.#handle([last]);
  }

  /** `rest`: bytes that will never be a frame. */
  #countSkipped(rest = 0): void {
    const skipped = this.#framer.skipped + rest;
    this.#context.totals.skipped += skipped - this.#skipped;
    this.#skipped = skipped;
  }

  /** What comes first: bytes, a time that is over, or the end. */
  async #event(next: Promise<IteratorResult<Buffer, undefined>>): Promise<Event> {
    const wait = this.#wait();
    const woken = Promise.withResolvers<Event>();
    this.#wake = () => woken.resolve('woken');
    const cancel = wait === undefined ? undefined : this.#clock.after(wait, () => woken.resolve('time'));
    try {
      return await Promise.race([next, woken.promise]);
    } finally {
      cancel?.();
      this.#wake = undefined;
    }
  }

  /** Milliseconds until something is to be done although nothing comes. */
  #wait(): number | undefined {
    const { limits } = this.#context;
    const { wait, pending } = this.#framer;
    const now = this.#clock.now();
    const times: number[] = [];
    if (wait !== undefined) times.push(wait);
    else if (pending > 0) times.push(this.#patience + limits.giveUp - now);
    if (this.#isRetired) times.push(this.#since + DRAIN - now);
    else if (limits.silence > 0) times.push(this.#since + limits.silence - now);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times));
  }

  /** @throws ZocaloError TIMEOUT for a line that is silent for too long. */
  async #onTime(): Promise<void> {
    const { limits } = this.#context;
    const framer = this.#framer;
    const now = this.#clock.now();
    if (framer.wait === undefined && framer.pending > 0 && now - this.#patience >= limits.giveUp) {
      this.#patience = now;
      for (let times = 0, before = 0; times < GIVE_UPS && framer.pending > 0 && framer.pending !== before; times++) {
        before = framer.pending;
        framer.giveUp();
        await this.#takeFrames();
      }
    }
    if (!this.#isRetired && limits.silence > 0 && now - this.#since >= limits.silence)
      throw new ZocaloError('TIMEOUT', `${this.address} was silent for ${limits.silence} ms`);
  }

  async #takeFrames(): Promise<void> {
    const { limits, changes } = this.#context;
    const window = changes ? 1 : limits.window; // each is compared with the one before, once that is stored
    for (;;) {
      const frames: Buffer[] = [];
      for (let frame = this.#framer.take(); frame; frame = this.#framer.take()) {
        frames.push(frame);
        if (frames.length === window) break;
      }
      if (frames.length === 0 || this.#stop.signal.aborted) return;
      const handled = this.#handle(frames);
      this.#poller?.heard(handled);
      await handled;
    }
  }

  async #handle(frames: readonly Buffer[]): Promise<void> {
    const { interpreter, registry, totals } = this.#context;
    const heard: Heard[] = [];
    for (const frame of frames) {
      totals.frames++;
      const said = await interpreter.read(frame, { address: this.host, device: this.#device }, this.#stop.signal);
      if (said instanceof ZocaloError) this.#refuse(said);
      else for (const one of said) if (await this.#admit(one)) heard.push(one);
    }
    if (this.#device !== undefined) registry.seen(this.#device, frames.length);
    const taken = await this.#readings.store(heard);
    for (const [index, { reply }] of heard.entries())
      if (reply && taken[index] && this.#socket.writable) this.#socket.write(reply);
    await this.#answered();
  }

  /** Whether the frame counts. The first name of a device is the line's. */
  async #admit({ device, reading }: Heard): Promise<boolean> {
    const { isAllowed, onFrame } = this.#context;
    if (!isAllowed(device)) {
      const who = device === undefined ? 'a device without a name' : `the device ${device}`;
      this.#refuse(new ZocaloError('DEVICE_REFUSED', `${who} at ${this.address} is not on the list`));
      if (this.#device === undefined) this.close();
      return false;
    }
    if (!this.#hasFrames) onFrame(this);
    this.#hasFrames = true;
    if (this.#device === undefined && device !== undefined) await this.#identify(device);
    if (!(reading instanceof ZocaloError)) return true;
    this.#refuse(reading);
    return false;
  }

  async #identify(device: string): Promise<void> {
    this.#device = device;
    await this.#context.registry.join(this, device);
  }

  /** A device that does not take its answers is not read either. */
  async #answered(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve).once('close', resolve);
    await Promise.race([promise, this.#retired.promise]);
  }

  /** The device has ended its side, or is to: it gets what is still to be sent. */
  async #farewell(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableFinished) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('finish', resolve).once('close', resolve).end();
    const cancel = this.#clock.after(this.#isRetired ? FAREWELL.retired : FAREWELL.ended, resolve);
    await promise;
    cancel();
  }

  #refuse(error: ZocaloError): void {
    const { totals, registry } = this.#context;
    totals.refused++;
    if (this.#device !== undefined) registry.failed(this.#device, error);
    this.#report(error);
  }

  #report(error: ZocaloError): void {
    const device = this.#device;
    this.#context.reports.tell(error, {
      host: this.host,
      address: this.address,
      ...(device !== undefined && { device }),
    });
  }
}

/** Without the port, which is another one each time; of an IPv4 address in IPv6 its own form. */
export function hostOf(address: string): string {
  if (address.startsWith(FILE)) return address.slice(FILE.length);
  const parsed = parseAddress(address);
  return 'host' in parsed ? parsed.host.replace(/^::ffff:(?=[\d.]+$)/, '') : parsed.path;
}
