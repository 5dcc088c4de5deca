import { hash } from 'node:crypto';
import type { NodeFacts } from '../../nodes/index.ts';
import type { Config } from '../config/index.ts';
import type { Change } from '../part.ts';

/** What all nodes must have alike, or it depends on the node what a client may do and what is kept. */
const KEYS = ['channels', 'secret', 'auth', 'handlers', 'webhooks', 'linger'] as const;

export interface ClusterSettingsOptions {
  readonly log: { warn(fields: object, sentence: string): void };
  /** The nodes that live, this one among them. Undefined for the only node. */
  readonly nodes: () => Promise<readonly NodeFacts[]> | undefined;
}

/**
 * Compares the settings of the nodes that share a store: one may have been forgotten at a change, or two clusters use one
 * prefix. Each node compares when it starts and when it has reloaded, and warns; a rolling change is no reason to refuse.
 */
export class ClusterSettings {
  readonly name = 'the comparison of the nodes';
  readonly #options: ClusterSettingsOptions;
  #config: Config;

  constructor(config: Config, options: ClusterSettingsOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** By key: too short to guess a secret from it. */
  get digests(): Readonly<Record<string, string>> {
    const values: [string, unknown][] = KEYS.map((key) => [key, this.#config[key]]);
    values.push(['store (durability)', /[?&]durability=([^&]*)/.exec(this.#config.store)?.[1] ?? 'memory']);
    const digest = (value: unknown) => hash('sha256', JSON.stringify(value) ?? '', 'base64url').slice(0, 5);
    return Object.fromEntries(values.map(([key, value]) => [key, digest(value)]));
  }

  /** Never rejects. */
  async open(): Promise<void> {
    const nodes = await this.#options.nodes()?.catch(() => undefined); // Redis is away again
    const ours = this.digests;
    for (const { host, process, settings } of nodes ?? []) {
      const other = Object.keys(ours).filter((key) => settings?.[key] !== undefined && settings[key] !== ours[key]);
      if (other.length === 0) continue;
      this.#options.log.warn(
        { host, process, settings: other },
        `another node with this store has other settings (${other.join(', ')}): give all nodes the same configuration, or another cluster a prefix of its own (store: …?prefix=)`,
      );
    }
  }

  prepare(next: Config): Change {
    return {
      commit: () => {
        this.#config = next;
        void this.open();
      },
    };
  }
}
