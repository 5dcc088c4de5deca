import type { Hub } from '../../../../src/hub/index.ts';
import type { Config } from '../../../../src/server/config/index.ts';
import type { Change, Part } from '../../../../src/server/part.ts';
import type { ToyConfig } from './config.ts';

export type ConfigWithToy = Config & { readonly toy: ToyConfig };

/** Greets whoever joins a channel, in words that a reload may change, and says goodbye. */
export class Toy implements Part {
  readonly name = 'the toy';
  readonly reloads = ['toy' as keyof Config];
  /** What the daemon did with it. */
  readonly calls: string[] = [];
  /** Runs within `prepare`. */
  onPrepare: () => unknown = () => {};
  readonly #hub: Hub;
  #greeting: string;
  #unobserve = (): void => {};

  constructor(hub: Hub, config: Config) {
    this.#hub = hub;
    this.#greeting = (config as ConfigWithToy).toy.greeting;
  }

  open(): void {
    this.calls.push('open');
    this.#unobserve = this.#hub.observe({
      onOccupied: (channel) => void this.#hub.publish(channel, this.#greeting).catch(() => {}),
    });
  }

  async prepare(next: Config): Promise<Change> {
    const { greeting } = (next as ConfigWithToy).toy;
    this.calls.push(`prepare ${greeting}`);
    await this.onPrepare();
    return {
      commit: () => {
        this.calls.push(`commit ${greeting}`);
        this.#greeting = greeting;
      },
      discard: () => this.calls.push(`discard ${greeting}`),
    };
  }

  close(grace: number): void {
    this.calls.push(grace > 0 ? 'close with grace' : 'close at once');
    this.#unobserve();
  }
}
