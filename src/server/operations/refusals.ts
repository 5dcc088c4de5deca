import { adviceFor, type OnRefused, type RefusalReason } from '../refusal-reasons.ts';
import type { ThrottledLog } from './throttled-log.ts';

export interface RefusalsOptions {
  readonly log: ThrottledLog;
  readonly metrics: { refused(reason: RefusalReason): void };
  readonly admin: { refused(code: string, message: string, address: string): void };
}

/** Connections that were refused before they were authenticated: counted, logged (throttled), and shown to the admin. */
export class Refusals {
  readonly #options: RefusalsOptions;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  readonly add: OnRefused = (reason, address, sentence) => {
    const { log, metrics, admin } = this.#options;
    metrics.refused(reason);
    const advice = adviceFor(reason);
    const message = advice === undefined ? sentence : `${sentence}; ${advice}`;
    log.write('warn', `refused ${reason}`, { reason, address }, `a connection was refused: ${message}`);
    admin.refused(reason, message, address);
  };
}
