import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { sqlite } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { dialectOf } from '../../../src/sources/databases/index.ts';
import { literal } from '../../sources/databases/literal.ts';
import { Program } from '../../support/cli.ts';
import type { DatabaseServer } from '../../support/database-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { wholeLog } from '../../support/whole-log.ts';
import { Dice } from '../dice.ts';
import { KINDS, type Kind } from './kinds.ts';
import type { Transaction } from './transaction.ts';
import { violationsOf } from './verdict.ts';
import { type Ends, OutboxWriter } from './writer.ts';

export interface OutboxChaosOptions {
  readonly database: keyof typeof KINDS;
  readonly seed: number;
  /** Rows that are committed, at least. */
  readonly rows: number;
  readonly kills: number;
  /** How many read the outbox at the same time, for one log. */
  readonly readers: number;
  /** Milliseconds after which it is given up. */
  readonly patience: number;
}

export interface OutboxSummary extends Ends {
  readonly violations: readonly string[];
  readonly rows: number;
  /** Of the daemon. */
  readonly kills: number;
  readonly databaseKills: number;
  /** Connections of readers that were cut. */
  readonly cuts: number;
}

const WRITERS = 4;
const CHANNELS = 6;
const TABLE = 'zocalo_outbox';
/** Milliseconds at most between what triggers a kill and the kill, and until the victim is started again. */
const DELAY = 60;
const AWAY = 300;
/** Milliseconds that a COMMIT may take. */
const COMMIT = 4;

/** Four applications write an outbox, while the daemon that reads it and the database are killed in turn. */
export class OutboxChaos {
  readonly #options: OutboxChaosOptions;
  readonly #kind: Kind;
  readonly #t: Pick<TestContext, 'after'>;
  readonly #dice: Dice;
  readonly #committed: Transaction[] = [];
  readonly #errors: string[] = [];
  #rows = 0;
  #moment = 0;
  /** Somebody waits for the next COMMIT. */
  #onCommitting: (() => void) | undefined;
  #daemon: Program | undefined;
  #kills = { daemon: 0, database: 0, cuts: 0 };

  /** `t`: what was started ends with it. */
  constructor(options: OutboxChaosOptions, t: Pick<TestContext, 'after'>) {
    this.#options = options;
    this.#kind = KINDS[options.database];
    this.#t = t;
    this.#dice = new Dice(options.seed);
  }

  async run(): Promise<OutboxSummary> {
    const { rows, kills } = this.#options;
    const server = await this.#kind.start(this.#t);
    const folder = temporaryFolder(this.#t);
    this.#t.after(() => this.#daemon?.stop('SIGKILL'));
    const tables = dialectOf(server.address)!.create(TABLE);
    for (const text of [...tables, 'CREATE TABLE marks (mark VARCHAR(64) PRIMARY KEY)', ...this.#kind.prepare])
      await this.#ask(server, text);
    const config = this.#configure(server, folder);
    await this.#startDaemon(config);
    const writers = Array.from({ length: WRITERS }, (_, at) => this.#writer(`w${at}`, server));
    const written = Promise.all(writers.map((writer) => writer.run(() => this.#rows >= rows)));
    written.then(() => this.#onCommitting?.());
    for (let kill = 0; kill < kills; kill++) {
      const due = (rows * (kill + this.#dice.next())) / kills;
      await this.#until(() => this.#rows >= due, `${Math.ceil(due)} rows were committed`);
      if (this.#dice.isLikely(0.5)) await this.#caughtUp(server);
      if (this.#dice.isLikely(0.5)) await this.#cut(server);
      await setTimeout(this.#dice.below(DELAY));
      if (kill % 2 === 1 && this.#kind.isServer) await this.#killDatabase(server);
      else await this.#killDaemon(config);
    }
    await written;
    await this.#until(async () => (await this.#newest(server)) === 0, 'the outbox was empty');
    await this.#daemon!.stop('SIGTERM');
    this.#takeErrors();
    return this.#summary(writers, await this.#logs(folder));
  }

  #writer(name: string, server: DatabaseServer): OutboxWriter {
    const { rows, kills } = this.#options;
    return new OutboxWriter({
      name,
      dice: this.#dice.fork(),
      channels: CHANNELS,
      begin: this.#kind.begin,
      connect: () => dialectOf(server.address)!.connect(server.address, '', () => {}),
      insert: literal,
      tick: () => ++this.#moment,
      pause: async (time) => void (await setTimeout(time)),
      // Not ahead of the kills, each of which takes a while.
      isEarly: () => !this.#onCommitting && this.#rows < rows && this.#rows > (rows * (this.#killed + 1)) / kills,
      onCommitting: () => this.#onCommitting?.(),
      onCommitted: (transaction) => {
        this.#committed.push(transaction);
        this.#rows += transaction.rows.length;
      },
    });
  }

  get #killed(): number {
    return this.#kills.daemon + this.#kills.database;
  }

  #configure(server: DatabaseServer, folder: string): string {
    const file = join(folder, 'zocalo.config.json');
    const config = {
      listen: 'http://127.0.0.1:0',
      store: `sqlite:${join(folder, 'log.db')}`,
      channels: { 'c:*': { history: { size: 1_000_000 } } },
      sources: { shop: { database: server.address.replace('root@', 'zocalo@'), table: TABLE } },
      chat: false,
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  async #startDaemon(config: string): Promise<void> {
    const program = join(import.meta.dirname, 'daemon.ts');
    this.#daemon = new Program(process.execPath, [program, config, String(this.#options.readers)]);
    await this.#daemon.says(/listening/);
  }

  async #killDaemon(config: string): Promise<void> {
    await this.#daemon!.stop('SIGKILL');
    this.#takeErrors();
    this.#kills.daemon++;
    await setTimeout(this.#dice.below(AWAY));
    await this.#startDaemon(config);
  }

  #takeErrors(): void {
    this.#errors.push(...this.#daemon!.stdout.split('\n').filter((line) => line.startsWith('error')));
    if (this.#daemon!.stderr !== '') this.#errors.push(this.#daemon!.stderr);
  }

  /** Often at a COMMIT, which then has no answer. */
  async #killDatabase(server: DatabaseServer): Promise<void> {
    if (this.#rows < this.#options.rows && this.#dice.isLikely(0.5)) {
      await new Promise<void>((resolve) => {
        this.#onCommitting = resolve;
      });
      this.#onCommitting = undefined;
      await setTimeout(this.#dice.below(COMMIT));
    }
    await server.stop();
    this.#kills.database++;
    await setTimeout(this.#dice.below(AWAY));
    await server.start();
  }

  /** Cuts one connection of the daemon's. The other reader, if there is one, has the rows then. */
  async #cut(server: DatabaseServer): Promise<void> {
    const connections = await this.#ask(server, this.#kind.connections);
    if (connections.length === 0) return;
    const { id } = connections[this.#dice.below(connections.length)]!;
    // It may have ended meanwhile.
    await this.#ask(server, this.#kind.cut(String(id))).catch(() => {});
    this.#kills.cuts++;
  }

  /** All that waits now is published. */
  async #caughtUp(server: DatabaseServer): Promise<void> {
    const newest = await this.#newest(server);
    const rest = `SELECT count(*) AS n FROM ${TABLE} WHERE id <= ${newest}`;
    await this.#until(async () => Number((await this.#ask(server, rest))[0]!.n) === 0, 'rows were published again');
  }

  /** The highest id that waits; 0 for none. */
  async #newest(server: DatabaseServer): Promise<number> {
    return Number((await this.#ask(server, `SELECT coalesce(max(id), 0) AS id FROM ${TABLE}`))[0]!.id);
  }

  async #ask(server: DatabaseServer, text: string) {
    const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
    try {
      return await session.query(text);
    } finally {
      session.close();
    }
  }

  async #until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const paced = async () => (await condition()) || (await setTimeout(5, false));
    try {
      await until(paced, what, this.#options.patience);
    } catch (error) {
      this.#takeErrors();
      const about = `${this.#killed} kills, ${this.#rows} rows, ${this.#errors.slice(0, 5).join('\n')}`;
      throw new Error(`seed ${this.#options.seed}: ${(error as Error).message}; ${about}`);
    }
  }

  async #logs(folder: string): Promise<Map<string, string[]>> {
    const hub = new Hub({ broker: sqlite(join(folder, 'log.db')) });
    const logs = new Map<string, string[]>();
    for (let channel = 0; channel < CHANNELS; channel++)
      logs.set(`c:${channel}`, (await wholeLog(hub, `c:${channel}`)) as string[]);
    await hub.close();
    return logs;
  }

  #summary(writers: readonly OutboxWriter[], logs: ReadonlyMap<string, readonly string[]>): OutboxSummary {
    const sum = (end: keyof Ends) => writers.reduce((total, { ends }) => total + ends[end], 0);
    return {
      violations: [...this.#errors, ...violationsOf(this.#committed, logs)],
      rows: this.#rows,
      committed: sum('committed'),
      rolledBack: sum('rolledBack'),
      cut: sum('cut'),
      unknown: sum('unknown'),
      kills: this.#kills.daemon,
      databaseKills: this.#kills.database,
      cuts: this.#kills.cuts,
    };
  }
}
