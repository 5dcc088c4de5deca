import type { ZocaloError } from '../../errors.ts';
import type { RedisAddress } from './addresses.ts';
import { type Client, reviveWhenEnded } from './driver.ts';
import { redisFailure, sentinelFailure, unreachable, wordOf } from './failure.ts';
import type { Appended, Link, LinkedServer, LinkOptions } from './link.ts';
import { logScript, publishScript, type Script, STALE } from './scripts.ts';
import { checkServer, factsOf, type ServerFacts } from './server-facts.ts';

/** A connection to one server, to the primary of some sentinels, or to a server of a cluster. */
export class SingleLink implements Link {
  readonly #client: Client;
  readonly #kind: RedisAddress['kind'];
  readonly #options: LinkOptions;
  #fault: ZocaloError | undefined;
  #lastError: unknown;
  #facts: ServerFacts | undefined;
  /** For the server process that was greeted. */
  #scripts: { readonly append: Script; readonly log: Script } | undefined;
  #learning: Promise<void> | undefined;
  /** The first try to connect is over, however it ended. */
  #tried = false;
  #closed = false;
  /** Counts connections. */
  #connection = 0;
  #onGreeted: (error?: unknown) => void = () => {};

  constructor(client: Client, kind: RedisAddress['kind'], options: LinkOptions) {
    this.#client = client;
    this.#kind = kind;
    this.#options = options;
    this.#fault = unreachable(options.place);
  }

  get fault(): ZocaloError | undefined {
    return this.#fault;
  }

  get trouble(): ZocaloError | undefined {
    return this.#fault;
  }

  get facts(): readonly ServerFacts[] {
    return this.#facts ? [this.#facts] : [];
  }

  get servers(): readonly LinkedServer[] {
    const { place } = this.#options;
    const { fault } = this;
    return [{ place, facts: fault ? undefined : this.#facts, fault, call: (...words) => this.call(...words) }];
  }

  async open(): Promise<void> {
    const client = this.#client;
    let sentinelError: Error | undefined;
    client.on('sentinelError', (error) => {
      sentinelError = error;
    });
    client.on('error', (error) => {
      this.#lastError = error;
      // The driver goes on asking the sentinels by itself, without an end, and says nothing else.
      if (!sentinelError) return;
      this.#lastError = sentinelFailure(this.#options.place, sentinelError);
      sentinelError = undefined;
      this.#lose();
      this.#onGreeted(this.#lastError);
    });
    client.on('close', () => this.#lose());
    reviveWhenEnded(client, () => this.#closed);
    client.on('ready', () => void this.#greet());
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onGreeted = (error) => (error === undefined ? resolve() : reject(error));
        client.connect().catch((error) => this.#onGreeted(this.#lastError ?? error));
      });
    } catch (error) {
      throw unreachable(this.#options.place, error);
    } finally {
      this.#tried = true;
    }
  }

  /** `isAsked`: the slot is on its way to this server of a cluster, which was named by ASK. */
  async run(
    _partition: number,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    isAsked = false,
  ): Promise<unknown> {
    if (this.#fault) throw this.#fault;
    try {
      return await this.#send('evalsha', [script.sha, keys.length, ...keys, ...args], isAsked);
    } catch (error) {
      if (wordOf(error) !== 'NOSCRIPT') throw this.#failed(error);
    }
    // It is the server that was greeted on this connection, and another program has emptied its scripts, or nobody has
    // used them yet.
    if (this.#fault) throw this.#fault;
    try {
      return await this.#send('eval', [script.text, keys.length, ...keys, ...args], isAsked);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async append(
    partition: number,
    keys: readonly string[],
    args: readonly (string | number)[],
    isAsked = false,
  ): Promise<Appended> {
    for (;;) {
      if (this.#fault) throw this.#fault;
      try {
        return { answer: await this.run(partition, this.#scripts!.append, keys, args, isAsked), server: this };
      } catch (error) {
        if (wordOf((error as ZocaloError).cause) !== STALE) throw error;
        // Nothing was stored: the server has been a replica meanwhile, and the script does not know it as that.
        await this.#learn();
      }
    }
  }

  async ask(
    partition: number,
    keys: readonly string[],
    args: readonly (string | number)[],
    isAsked = false,
  ): Promise<unknown> {
    if (this.#fault) throw this.#fault;
    return this.run(partition, this.#scripts!.log, keys, args, isAsked);
  }

  callAt(_partition: number, command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.call(command, ...args);
  }

  call(command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.callAsked(false, command, ...args);
  }

  /** `isAsked` as with `run`. */
  async callAsked(isAsked: boolean, command: string, ...args: (string | number)[]): Promise<unknown> {
    if (this.#fault) throw this.#fault;
    try {
      return await this.#send(command, args, isAsked);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  cork(): void {
    this.#client.stream?.cork();
  }

  uncork(): void {
    this.#client.stream?.uncork();
  }

  /** Another server is the primary: the connection is made anew. */
  renew(): void {
    if (this.#client.status === 'ready') this.#client.disconnect(true);
  }

  close(): void {
    this.#closed = true;
    this.#client.disconnect();
    // Who waits for the first connection must not wait for ever: nothing else may say that there will be none.
    this.#onGreeted(unreachable(this.#options.place, this.#lastError));
  }

  /**
   * Before anything is sent: which process is it, and can the log be there? After a restart or a failover the log may
   * lack its end, and nothing may be appended before that is known.
   */
  async #greet(): Promise<void> {
    const connection = ++this.#connection;
    const { place, database = 0, onBack } = this.#options;
    try {
      // The driver selects it as well, and goes on in another one when there is none of that number.
      if (database > 0) await this.#client.call('select', [database]);
      const facts = factsOf(String(await this.#client.call('info', [])));
      if (connection !== this.#connection || this.#closed) return;
      this.#take(facts);
      this.#fault = undefined;
      this.#lastError = undefined;
      const isBack = this.#tried;
      this.#onGreeted();
      if (isBack) onBack();
    } catch (error) {
      if (this.#closed) return;
      // The connection was lost before an answer came.
      if (connection !== this.#connection) {
        this.#onGreeted(this.#lastError ?? error);
        return;
      }
      this.#lastError = error;
      this.#fault = unreachable(place, error);
      this.#onGreeted(this.#fault);
      this.#client.disconnect(true);
    }
  }

  #take(facts: ServerFacts): void {
    const { place, isDurable } = this.#options;
    checkServer(place, facts, this.#kind);
    this.#facts = facts;
    const writer = isDurable ? undefined : { run: facts.run, history: facts.history };
    this.#scripts = { append: publishScript(writer), log: logScript(writer) };
  }

  /** Asks again who the server is, on the same connection. */
  #learn(): Promise<void> {
    this.#learning ??= this.call('info')
      .then((info) => this.#take(factsOf(String(info))))
      .finally(() => {
        this.#learning = undefined;
      });
    return this.#learning;
  }

  #send(command: string, args: readonly (string | number)[], isAsked: boolean): Promise<unknown> {
    // The two follow each other on the connection: ASKING counts for the next command alone.
    if (isAsked) this.#client.call('asking', []).catch(() => {}); // the next one fails as well
    return this.#client.call(command, args);
  }

  #lose(): void {
    this.#connection++;
    if (this.#closed) return;
    this.#fault = unreachable(this.#options.place, this.#lastError);
  }

  #failed(error: unknown): ZocaloError {
    const failure = redisFailure(this.#options.place, error);
    // A primary that became a replica: ask again who the primary is.
    if (failure.code === 'LOG_READ_ONLY' && wordOf(error) === 'READONLY') {
      this.#lastError = failure;
      this.#fault = failure;
      this.#client.disconnect(true);
    }
    return failure;
  }
}
