import type { LineSourceConfig } from '../config/index.ts';
import { LineServer } from '../transports/lines/index.ts';
import { Opening } from './opening.ts';
import {
  CONNECTIONS,
  FAILURES,
  type Source,
  type SourceDetails,
  type SourceMetric,
  type SourceParts,
  UP,
} from './source.ts';

/** Raw lines in both directions: what connects publishes to a channel, and hears it. */
export class Lines implements Source {
  readonly place: string;
  readonly #server: LineServer;
  readonly #opening: Opening;
  #ended = 0;

  constructor(
    name: string,
    { lines: listen, channel, addresses }: LineSourceConfig,
    { hub, log, metrics, clock, addressLimits, onRefused }: SourceParts,
    { addressList }: typeof import('../../sources/index.ts'),
  ) {
    this.place = listen;
    const onEnded = (why: string, address: string) => {
      this.#ended++;
      log.write('warn', `source ${name} line`, { source: name, address, why }, 'a raw line connection was ended');
    };
    const isAllowed = addressList(addresses);
    this.#server = new LineServer(hub, { listen, channel, isAllowed, addressLimits, onRefused, onEnded, clock });
    const open = async () => {
      await this.#server.open();
      return this.#server.addresses;
    };
    this.#opening = new Opening({ source: name, place: listen, log, metrics, clock, open });
  }

  get addresses(): readonly string[] {
    return this.#server.addresses;
  }

  start(): Promise<void> {
    return this.#opening.start();
  }

  async close(grace: number): Promise<void> {
    await this.#opening.stop();
    await this.#server.close({ grace });
  }

  health(): ReturnType<Source['health']> {
    const { isOpen, error } = this.#opening;
    return { ok: isOpen, error: error?.code, connections: this.#server.count };
  }

  details(): SourceDetails {
    const { error, failures } = this.#opening;
    return { kind: 'lines', place: this.place, message: error?.happened, failures: failures + this.#ended };
  }

  *measures(): Iterable<readonly [SourceMetric, number]> {
    yield [UP, this.#opening.isOpen ? 1 : 0];
    yield [FAILURES, this.#opening.failures + this.#ended];
    yield [CONNECTIONS, this.#server.count];
  }
}
