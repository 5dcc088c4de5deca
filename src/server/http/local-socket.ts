import { chmod, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { nodeHttp } from '../../builtins.ts';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Listener } from './route.ts';

/** The owner of the socket and the group may open it, and so use the API. */
const MODE = 0o660;
/** Milliseconds that an unfinished request has when the daemon stops. Complete requests are answered much faster. */
const LONGEST_REQUEST = 2_000;

/** The HTTP API on a Unix socket, for programs on this machine. They need no key: the file's mode controls access. */
export class LocalSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #clock: Clock;

  /** `keepAliveTimeout` in milliseconds. */
  constructor(path: string, handle: Listener, keepAliveTimeout: number, clock: Clock = systemClock) {
    this.path = path;
    this.#clock = clock;
    // A connection that cannot be accepted, for example when no file descriptor is left, must not end the process.
    this.#server = nodeHttp()
      .createServer({ keepAliveTimeout }, handle)
      .on('error', () => {});
  }

  /**
   * Replaces the socket file of a daemon that was killed, but not one on which a program listens.
   * @throws ZocaloError ADDRESS_IN_USE; BAD_OPTION when the path is another kind of file, or cannot be created.
   */
  async open(): Promise<void> {
    await this.#clear();
    // Only the owner may use it until its mode is set.
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

  /** Requests under way have `grace` milliseconds, but at most two seconds; then they are cut off. */
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
      throw new ZocaloError('BAD_OPTION', `${this.path} exists already, and is not a socket`, {
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
