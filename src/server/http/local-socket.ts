import { chmod, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { nodeHttp } from '../../builtins.ts';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Listener } from './route.ts';

/** Who may open the socket may use the API: its owner, and the owner's group. */
const MODE = 0o660;
/** Milliseconds, when the daemon stops: what programs ask for is answered in far less, unless one has stopped asking. */
const LONGEST_REQUEST = 2_000;

/** The HTTP API on a Unix socket, for programs of this machine. They need no key: the mode of the file is the key. */
export class LocalSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #clock: Clock;

  /** `keepAliveTimeout` in milliseconds. */
  constructor(path: string, handle: Listener, keepAliveTimeout: number, clock: Clock = systemClock) {
    this.path = path;
    this.#clock = clock;
    // A connection that cannot be accepted, for want of files say, ends nothing else.
    this.#server = nodeHttp()
      .createServer({ keepAliveTimeout }, handle)
      .on('error', () => {});
  }

  /**
   * Takes over a file that a daemon left behind which was killed; one that somebody listens on stays.
   * @throws ZocaloError ADDRESS_IN_USE; BAD_OPTION for what is no socket, or cannot be made.
   */
  async open(): Promise<void> {
    await this.#clear();
    // Until its mode is set, only the owner may use it.
    const umask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject).listen(this.path, resolve);
      });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new ZocaloError('BAD_OPTION', `the socket ${this.path} cannot be made (${code})`, {
        advice: 'name a path in a folder that you may write to, of at most 100 characters',
        cause,
      });
    } finally {
      process.umask(umask);
    }
    await chmod(this.path, MODE);
  }

  /** Requests that are under way have so many milliseconds, and two seconds at most; then they are cut off. */
  async close(grace = 0): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const cancel = this.#clock.after(Math.min(grace, LONGEST_REQUEST), () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }

  async #clear(): Promise<void> {
    const found = await stat(this.path).catch(() => undefined);
    if (!found) return;
    if (!found.isSocket())
      throw new ZocaloError('BAD_OPTION', `${this.path} is there already, and no socket`, {
        advice: 'name another path',
      });
    const isUsed = await new Promise<boolean>((resolve) => {
      const probe = connect(this.path);
      probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
      probe.once('connect', () => probe.destroy());
    });
    if (isUsed) throw new ZocaloError('ADDRESS_IN_USE', `${this.path} is taken by another program`);
    await rm(this.path);
  }
}
