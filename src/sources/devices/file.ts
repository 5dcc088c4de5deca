import { close, constants, fstatSync, open, read, statSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { StreamSocket } from '../../stream/index.ts';
import { type FileEnds, FileSocket } from './file-socket.ts';

/** Milliseconds between two looks whether a FIFO is still what its path means. */
const LOOK = 1_000;
/** Milliseconds between two attempts to read a device that has nothing: a person does not notice them. */
const POLL = 20;
const CHUNK = 4_096;
/** Without waiting, and not as the terminal of this process. */
const FLAGS = constants.O_NONBLOCK | constants.O_NOCTTY;

const opened = promisify(open);

interface FileOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Opens a serial port, another device of the system, or a FIFO, and writes to it too where that is allowed. The speed
 * and the form of bytes of a serial port are what `stty` has set.
 * @throws ZocaloError NO_SUCH_PATH, BAD_OPTION for another file; an error of the system.
 */
export async function openFile(path: string, { clock, signal }: FileOptions): Promise<StreamSocket> {
  const [descriptor, mayWrite] = await openBoth(path);
  try {
    signal.throwIfAborted();
    const file = fstatSync(descriptor);
    const socket = new FileSocket(path, endsOf(path, descriptor, mayWrite, clock), clock);
    if (file.isFIFO()) watch(socket, path, file.ino, clock);
    return socket;
  } catch (error) {
    close(descriptor, () => {});
    throw error;
  }
}

/** A descriptor, and whether it can be written to. */
async function openBoth(path: string): Promise<readonly [descriptor: number, mayWrite: boolean]> {
  try {
    return [await opened(path, constants.O_RDWR | FLAGS), true];
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new ZocaloError('NO_SUCH_PATH', `${path} does not exist`, {
        advice: 'plug the device in, or correct the path; it is opened by itself as soon as it is there',
        cause: error,
      });
    if (!/^(EACCES|EPERM|EROFS)$/.test(code)) throw error;
    return [await opened(path, constants.O_RDONLY | FLAGS), false];
  }
}

function endsOf(path: string, descriptor: number, mayWrite: boolean, clock: Clock): FileEnds {
  if (isatty(descriptor)) {
    const terminal = new ReadStream(descriptor);
    terminal.setRawMode(true);
    return { input: terminal, output: mayWrite ? terminal : undefined };
  }
  const kind = fstatSync(descriptor);
  // Opened for both, a FIFO does not end with each of its writers; what we wrote would come back to us.
  if (kind.isFIFO()) return { input: new Socket({ fd: descriptor, writable: false }), output: undefined };
  if (!kind.isCharacterDevice())
    throw new ZocaloError('BAD_OPTION', `${path} is neither a serial port nor another device or FIFO`, {
      advice: 'give a path like /dev/ttyUSB0, or make a FIFO with mkfifo',
    });
  const input = new PolledInput(descriptor, clock);
  const output = new Writable({
    write: (chunk: Buffer, _encoding, callback) => write(descriptor, chunk, (error) => callback(error)),
  });
  return { input, output: mayWrite ? output : undefined };
}

/** A FIFO that was removed, or made again, has no writers any more. */
function watch(socket: FileSocket, path: string, inode: number, clock: Clock): void {
  const stop = clock.every(LOOK, () => {
    if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) socket.leave();
  });
  socket.once('close', stop);
}

/** Reads a descriptor that answers EAGAIN where it would have to wait. It closes it when it is destroyed. */
export class PolledInput extends Readable {
  readonly #descriptor: number;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #isReading = false;

  constructor(descriptor: number, clock: Clock) {
    super();
    this.#descriptor = descriptor;
    this.#clock = clock;
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    read(this.#descriptor, Buffer.alloc(CHUNK), 0, CHUNK, null, (error, count, bytes) => {
      this.#isReading = false;
      if (this.destroyed) close(this.#descriptor, () => {});
      else if (!error) this.push(count === 0 ? null : bytes.subarray(0, count));
      else if (error.code === 'EAGAIN') this.#cancel = this.#clock.after(POLL, () => this._read());
      else this.destroy(error);
    });
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#cancel?.();
    if (!this.#isReading) close(this.#descriptor, () => {});
    callback(error);
  }
}
