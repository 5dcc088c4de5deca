import type { SparseLog } from './sparse-log.ts';

/** What to change in the configuration, where a refusal of a whole connection is not meant. */
const ADVICE: Readonly<Record<string, string>> = {
  origin: 'let the key origins name the page, if it is yours',
  host: 'let the key hosts name it, if it is yours',
  address_connections: 'limits.connectionsPerAddress; a proxy belongs into the key proxies',
  address_rate: 'limits.connectsPerSecond; a proxy belongs into the key proxies',
  full_or_closing: 'limits.connections, unless the daemon is stopping',
};

export interface RefusalsOptions {
  readonly log: SparseLog;
  readonly metrics: { refused(reason: string): void };
  readonly admin: { refused(code: string, message: string, address: string): void };
}

/** Connections that were refused before anybody knew who they are: counted, logged sparsely, shown to the admin. */
export class Refusals {
  readonly #options: RefusalsOptions;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** `reason` is one of few words; `sentence` is what the other side was told. */
  readonly add = (reason: string, address: string, sentence: string): void => {
    const { log, metrics, admin } = this.#options;
    metrics.refused(reason);
    const advice = ADVICE[reason];
    const message = advice === undefined ? sentence : `${sentence}; ${advice}`;
    log.write('warn', `refused ${reason}`, { reason, address }, `a connection was refused: ${message}`);
    admin.refused(reason, message, address);
  };
}
