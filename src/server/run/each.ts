import { type Clock, systemClock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import { checkProgram, LineBudget } from '../../programs/index.ts';
import {
  type Message,
  type ServerOptions,
  type UpgradeAnswer,
  type UpgradeRequest,
  type User,
  WebSocketServer,
} from '../../websocket/index.ts';
import { ClientAddress, type Origin } from '../http/index.ts';
import { type Log, ThrottledLog } from '../operations/index.ts';
import { cgiEnvironment } from './cgi-environment.ts';
import { LISTEN, ORIGINS } from './defaults.ts';
import { OwnProgram } from './own-program.ts';
import { logRefusal } from './refusal-log.ts';

export interface EachOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Of Zócalo, for SERVER_SOFTWARE. */
  readonly version: string;
  readonly log: Log;
  /** Default `ws://127.0.0.1:9000`. */
  readonly listen?: string | undefined;
  /** Options of the engine. Default of `origins`: pages of the same host, and files. */
  readonly server?: ServerOptions;
  /** Addresses and networks of trusted proxies, which name the client and its protocol. Default: none. */
  readonly proxies?: readonly string[];
  /** Processes at a time; a connection beyond that is refused with 503. Default 1,024. */
  readonly maxForks?: number;
  /** Variables of this process that the programs inherit. Default: PATH, and those by which libraries are found. */
  readonly passEnv?: readonly string[];
  /** Whether what a program prints is sent as it comes, in binary messages, and what it gets has no newlines added. */
  readonly binary?: boolean;
  readonly clock?: Clock;
}

const DEFAULTS = {
  maxForks: 1_024,
  passEnv: ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot', 'COMSPEC', 'PATHEXT', 'WINDIR'],
} as const;

/** Lines a second of all programs together that are written to the log. */
const LOGGED = 200;

/**
 * A server that runs a process for each connection. A message becomes a line on its stdin, and a line on its stdout a
 * message.
 */
export class ProgramPerConnection extends WebSocketServer {
  readonly #options: EachOptions;
  readonly #clock: Clock;
  readonly #log: ThrottledLog;
  readonly #budget: LineBudget;
  readonly #addresses: ClientAddress;
  readonly #isSecure: boolean;
  readonly #maxForks: number;
  /** All processes that are not gone, including those whose connections have ended. */
  readonly #programs = new Set<OwnProgram>();

  /** @throws ZocaloError BAD_OPTION. */
  constructor(options: EachOptions) {
    const { listen = LISTEN, server, maxForks = DEFAULTS.maxForks, clock = systemClock } = options;
    const addresses = new ClientAddress(options.proxies);
    const clientAddress = (request: Origin) => addresses.of(request);
    super(listen, { origins: ORIGINS, clientAddress, ...server, clock });
    this.#addresses = addresses;
    this.#options = options;
    this.#clock = clock;
    this.#log = new ThrottledLog(options.log, clock);
    this.#budget = new LineBudget(LOGGED, clock);
    this.#isSecure = listen.startsWith('wss:');
    this.#maxForks = maxForks;
  }

  /** @throws ZocaloError PROGRAM_NOT_FOUND, and those of `listen`. */
  open(): Promise<void> {
    checkProgram(this.#options.command);
    return this.listen();
  }

  /** How many processes there are. */
  get forks(): number {
    return this.#programs.size;
  }

  /** Closes the connections (1001), and resolves when no process is left. */
  override async close(...options: Parameters<WebSocketServer['close']>): Promise<void> {
    await super.close(...options);
    await Promise.all([...this.#programs].map((program) => program.stop()));
  }

  override onUpgrade(): UpgradeAnswer {
    if (this.#programs.size < this.#maxForks) return undefined;
    return { refuse: 503, reason: this.#full, headers: { 'Retry-After': '5' } };
  }

  override onRefuse(request: UpgradeRequest, status: number, reason: string): void {
    logRefusal(this.#log, request, status, reason);
  }

  override onConnect(user: User): void {
    if (this.#programs.size >= this.#maxForks) {
      user.close(1013, this.#full); // several handshakes came at once
      return;
    }
    const { command, log, version, passEnv = DEFAULTS.passEnv, binary = false } = this.#options;
    const environment = { software: `zocalo/${version}`, id: user.id, isSecure: this.#isHttps(user.request) };
    const program = new OwnProgram(user, {
      command,
      log,
      ends: this.#log,
      budget: this.#budget,
      clock: this.#clock,
      env: cgiEnvironment(user.request, environment),
      inherits: passEnv,
      binary,
    });
    this.#programs.add(program);
    user.data = program;
    void program.run().finally(() => this.#programs.delete(program));
  }

  override onMessage(user: User, message: Message): void {
    if (user.data instanceof OwnProgram) user.data.receive(message);
  }

  override onClose(user: User): void {
    if (user.data instanceof OwnProgram) void user.data.stop();
  }

  override onError(err: ZocaloError, user?: User): void {
    this.#log.write('error', 'error', { err, address: user?.remoteAddress }, 'an error');
  }

  #isHttps({ headers, peerAddress }: UpgradeRequest): boolean {
    const said = this.#addresses.protocol({ headers, socket: { remoteAddress: peerAddress } });
    return said === undefined ? this.#isSecure : said === 'https';
  }

  get #full(): string {
    return `${this.#maxForks} programs are running, which is the limit; come back later`;
  }
}
