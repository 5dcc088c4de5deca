import type { TestContext } from 'node:test';
import type { ZocaloError } from '../../../src/errors.ts';
import type { JsonText } from '../../../src/protocol/index.ts';
import { type About, type DeviceOptions, DeviceSource, type DeviceState } from '../../../src/sources/devices/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A log that tests can fill up, and hold back. */
export class FakeLog {
  readonly stored: {
    readonly channel: string;
    readonly data: unknown;
    readonly key: string;
    readonly time?: string;
  }[] = [];
  readonly #keys = new Set<string>();
  /** What the next publications fail with. */
  failure: (channel: string, data: unknown) => unknown = () => undefined;
  /** While it is held back, publications wait for the promise. */
  gate: Promise<void> | undefined;
  attempts = 0;
  /** How many publications are stored, but seem to have failed. */
  lost = 0;

  readonly publish = async (
    channel: string,
    data: JsonText,
    options: { key: string; time?: string },
  ): Promise<void> => {
    this.attempts++;
    await this.gate;
    const failure = this.failure(channel, data.value);
    if (failure !== undefined) throw failure;
    if (this.#keys.has(options.key)) return;
    this.#keys.add(options.key);
    this.stored.push({ channel, data: data.value, ...options });
    if (this.lost-- > 0) throw new Error('the answer was lost');
  };

  get data(): unknown[] {
    return this.stored.map(({ data }) => data);
  }
}

export interface Reported {
  readonly code: ZocaloError['code'];
  readonly about: About;
}

export class Site {
  readonly log = new FakeLog();
  readonly clock = new FakeClock();
  readonly reports: Reported[] = [];
  readonly states: DeviceState[] = [];
  readonly source: DeviceSource;

  /** The source is closed when the test is over. */
  constructor(t: TestContext, options: DeviceOptions) {
    let ids = 0;
    this.source = new DeviceSource(options, {
      publish: this.log.publish,
      report: ({ code }, about) => this.reports.push({ code, about }),
      onDevice: (state) => this.states.push(state),
      clock: this.clock,
      now: () => 1_000_000 + this.clock.now(),
      random: () => 1,
      makeId: () => `line${++ids}`,
    });
    t.after(() => this.source.close({ grace: 0 }));
  }

  static async open(t: TestContext, options: DeviceOptions): Promise<Site> {
    const site = new Site(t, options);
    await site.source.open();
    return site;
  }

  get url(): string {
    return this.source.addresses[0]!;
  }

  get codes(): string[] {
    return this.reports.map(({ code }) => code);
  }

  device(name: string): DeviceState | undefined {
    return this.source.devices.find(({ device }) => device === name);
  }
}
