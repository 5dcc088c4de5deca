import { ZocaloError } from '../../errors.ts';
import { commandOf, type ProgramEnd } from '../../programs/index.ts';
import type { JsonText } from '../../protocol/index.ts';
import type { Said, Sender } from '../../sources/index.ts';
import type { ProgramDecodeConfig } from '../config/index.ts';
import { commandsOn, loadCarriers } from '../handlers/index.ts';
import { BadAnswer, readAnswer } from './decode-answer.ts';
import type { SourceParts } from './source.ts';

type Pool = InstanceType<Awaited<ReturnType<typeof loadCarriers>>['Pool']>;

/** How many times a frame may end a program that worked, or get no answer from it, before it is passed over. */
const ATTEMPTS = 3;
/** Milliseconds after which a program that ends was ended by the frame, and not by its own start. */
const SETTLED = 2_000;
/** Milliseconds: the first pause before a frame is asked about again. So a program had the time to settle. */
const PAUSE = { first: 3_000, longest: 15_000 } as const;
/** Bounded elsewhere: of each connection one frame is asked about at a time. */
const WAITING = 1_000_000;

/** A program of the application that says what the frames of a source mean. */
export class DecodeProgram {
  readonly #source: string;
  readonly #config: ProgramDecodeConfig;
  readonly #parts: SourceParts;
  #pool: Pool | undefined;
  #partsOf: (list: string) => readonly JsonText[] = () => [];
  #error: ZocaloError | undefined;

  constructor(source: string, config: ProgramDecodeConfig, parts: SourceParts) {
    this.#source = source;
    this.#config = config;
    this.#parts = parts;
  }

  /** Why frames wait for it; undefined while it answers. */
  get error(): ZocaloError | undefined {
    return this.#error;
  }

  /** Starts it, once. A program that cannot be started is logged, and tried again. */
  async open(): Promise<void> {
    if (this.#pool) return;
    const { program, workers, timeout } = this.#config;
    const { hub, clock, programLog } = this.#parts;
    const { Pool, partsOf } = await loadCarriers();
    this.#partsOf = partsOf;
    this.#pool = new Pool({
      command: commandOf(program),
      name: this.#source,
      workers,
      timeout,
      waiting: WAITING,
      clock,
      log: programLog,
      onCommand: commandsOn(() => hub),
    });
    this.#pool.open();
  }

  async close(grace: number): Promise<void> {
    await this.#pool?.close(grace);
  }

  /**
   * What a frame says. While the program does not run, does not answer, or says that it cannot say yet, it is asked
   * again: meanwhile the device waits. An error: the frame cannot be read.
   * @throws the signal's reason.
   */
  async ask(frame: Buffer, sender: Sender, signal: AbortSignal): Promise<Said | ZocaloError> {
    const event = { text: eventOf(this.#source, frame, sender), connection: sender.device ?? sender.address };
    for (let attempt = 1, blamed = 0; ; attempt++) {
      signal.throwIfAborted();
      const answer = await this.#once(event);
      if (!(answer instanceof Failure)) {
        this.#error = undefined;
        return answer;
      }
      signal.throwIfAborted();
      if (answer.isOfFrame && ++blamed === ATTEMPTS) return this.#passedOver(frame);
      this.#failed(answer.reason);
      await this.#rested(Math.min(PAUSE.longest, attempt * PAUSE.first), signal);
    }
  }

  async #once(event: Parameters<Pool['ask']>[0]): Promise<Said | ZocaloError | Failure> {
    try {
      const answer = readAnswer(await this.#pool!.ask(event), this.#partsOf);
      if (answer.kind === 'said') return answer.said;
      if (answer.kind === 'later') return new Failure('it says that it cannot answer yet', false);
      return new ZocaloError('FRAME_NOT_DECODED', `the program of ${this.#source} says: ${answer.reason}`);
    } catch (error) {
      if (error instanceof BadAnswer) return this.#badAnswer(error.message);
      if (!(error instanceof ZocaloError)) throw error;
      if (error.code === 'HANDLER_BAD_ANSWER') return this.#badAnswer(error.happened);
      const { took = 0 } = (error.cause ?? {}) as Partial<ProgramEnd>;
      return new Failure(error.happened, error.code === 'HANDLER_TIMEOUT' || took >= SETTLED);
    }
  }

  #badAnswer(what: string): ZocaloError {
    return new ZocaloError('FRAME_NOT_DECODED', `the program of ${this.#source} answered what means nothing: ${what}`);
  }

  #passedOver({ length }: Buffer): ZocaloError {
    const happened = `the program of ${this.#source} ended ${ATTEMPTS} times, or gave no answer in time, when it was asked about a frame of ${length} bytes`;
    return new ZocaloError('FRAME_NOT_DECODED', happened);
  }

  #failed(reason: string): void {
    const err = new ZocaloError('DECODER_UNAVAILABLE', `the program of ${this.#source} did not answer: ${reason}`);
    this.#error = err;
    const { log, metrics } = this.#parts;
    metrics.failed(err);
    log.write(
      'error',
      `source ${this.#source} ${err.code}`,
      { source: this.#source, err },
      'frames wait for a program',
    );
  }

  #rested(pause: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#parts.clock.after(pause, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

/** It did not answer. `isOfFrame`: it worked until it was asked about the frame. */
class Failure {
  readonly reason: string;
  readonly isOfFrame: boolean;

  constructor(reason: string, isOfFrame: boolean) {
    this.reason = reason;
    this.isOfFrame = isOfFrame;
  }
}

function eventOf(source: string, frame: Buffer, { address, device, fields }: Sender): string {
  const hex = frame.toString('hex');
  return JSON.stringify({ event: 'frame', source, address, device: device ?? null, fields, hex });
}
