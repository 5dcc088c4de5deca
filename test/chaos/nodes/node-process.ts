import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLI, Program } from '../../support/cli.ts';
import { quietPort } from '../../support/free-port.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { SECRET } from '../settings.ts';

type Owner = Parameters<typeof startProxy>[0];

export const API_KEY = 'k'.repeat(40);

/** One daemon, which speaks to Redis by a line of its own. */
export class NodeProcess {
  readonly port: number;
  /** Between it and Redis. Undefined where the address names more than one server. */
  readonly line: TcpProxy | undefined;
  readonly #folder: string;
  #program: Program | undefined;
  #isUp = false;
  kills = 0;

  private constructor(folder: string, port: number, line: TcpProxy | undefined) {
    this.#folder = folder;
    this.port = port;
    this.line = line;
  }

  /** `redis`: the port of the only server; otherwise the nodes use the address as it is. `webhook`: a URL. */
  static async make(t: Owner, store: string, redis: number | undefined, webhook: string): Promise<NodeProcess> {
    const folder = temporaryFolder(t);
    const line = redis === undefined ? undefined : await startProxy(t, redis);
    const port = await quietPort();
    const config = {
      listen: `http://127.0.0.1:${port}`,
      store: line ? store.replace(String(redis), String(line.port)) : store,
      secret: SECRET,
      channels: {
        'room:*': { history: { size: 1_000_000 }, subscribe: 'everyone', publish: 'everyone' },
        'square:*': { presence: true, subscribe: 'everyone' },
      },
      api: { keys: [{ name: 'chaos', key: API_KEY, can: ['publish', 'read'], channels: ['*'] }] },
      webhooks: [
        {
          url: webhook,
          secret: SECRET,
          debounce: '200ms',
          events: ['online', 'offline', 'occupied', 'vacated', 'published'],
        },
      ],
      limits: { connectionsPerAddress: 10_000, connectsPerSecond: 100_000 },
      linger: '2s',
      ping: '5s',
      chat: false,
    };
    writeFileSync(join(folder, 'zocalo.config.json'), JSON.stringify(config));
    const node = new NodeProcess(folder, port, line);
    t.after(() => node.kill());
    return node;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Resolves when it listens, which it does not before Redis is there; or when it was killed before that. */
  async start(): Promise<void> {
    const program = new Program(process.execPath, [CLI, 'serve'], { cwd: this.#folder });
    this.#program = program;
    try {
      await program.says(/Zócalo is open/);
      this.#isUp = program === this.#program;
    } catch (error) {
      if (program === this.#program) throw error;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#program?.child.kill(signal);
  }

  async kill(): Promise<void> {
    const program = this.#program;
    this.#isUp = false;
    this.#program = undefined;
    if (!program) return;
    this.kills += 1;
    await program.stop('SIGKILL');
  }
}
