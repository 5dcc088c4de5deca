import type { Clock } from '../../clock.ts';
import { callApplication } from '../application-call.ts';
import type { WebhookConfig } from '../config/index.ts';
import type { Backlog, Page } from './backlog.ts';
import { signatureOf } from './signature.ts';

/** Milliseconds that the receiver may take to answer. */
const TIMEOUT = 10_000;
/** Bounds of the pause before the next try: a random part of so much, twice as much after each failure. */
const BACKOFF = { first: 1_000, longest: 300_000 };

export interface DeliveryParts {
  readonly backlog: Backlog;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: { info(fields: object, sentence: string): void; warn(fields: object, sentence: string): void };
}

/**
 * Delivers what waits for one webhook: one page at a time, the oldest first, each until it is acknowledged by a status
 * 2xx. So the order holds, and a receiver that is down hurts nobody else.
 */
export class Delivery {
  #webhook: WebhookConfig;
  readonly #parts: DeliveryParts;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();
  #failures = 0;
  #cancelPause: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor(webhook: WebhookConfig, parts: DeliveryParts) {
    this.#webhook = webhook;
    this.#parts = parts;
  }

  /** Another secret may be what the receiver waits for: then the pause after a failure ends. */
  use(webhook: WebhookConfig): void {
    const isOther = webhook.secret !== this.#webhook.secret;
    this.#webhook = webhook;
    if (!isOther) return;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.wake();
  }

  /** Something waits; does nothing while a call runs, or in the pause after a failure. */
  wake(): void {
    if (this.#isRunning || this.#cancelPause || this.#stop.signal.aborted) return;
    this.#isRunning = true;
    this.#run = this.#deliverAll();
  }

  /** What is on its way is given up, and comes again next time. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelPause?.();
    await this.#run;
  }

  async #deliverAll(): Promise<void> {
    const { backlog, log } = this.#parts;
    const { url } = this.#webhook;
    try {
      for (let page = backlog.page(url); page && !this.#stop.signal.aborted; page = backlog.page(url)) {
        await this.#deliver(page);
        backlog.acknowledge(url, page);
        if (this.#failures > 0) log.info({ webhook: placeOf(url) }, 'a webhook takes events again');
        this.#failures = 0;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#pause(error);
    }
    this.#isRunning = false;
  }

  /** Full jitter: many daemons that failed together do not come back together. */
  #pause(error: unknown): void {
    const { clock, random, log } = this.#parts;
    const pause = random() * Math.min(BACKOFF.longest, BACKOFF.first * 2 ** this.#failures++);
    this.#cancelPause = clock.after(pause, () => {
      this.#cancelPause = undefined;
      this.wake();
    });
    const { message, code } = error as NodeJS.ErrnoException;
    const reason = typeof code === 'string' ? code : message; // a DOMException has a number
    const fields = { webhook: placeOf(this.#webhook.url), reason, failures: this.#failures };
    log.warn(fields, 'a webhook did not take its events: they are kept, and sent again later');
  }

  async #deliver({ events, first, last, missed }: Page): Promise<void> {
    const { url, secret } = this.#webhook;
    const gap = missed > 0 ? `"missed":${missed},` : '';
    const body = `{"id":"${first}-${last}","version":${last},${gap}"events":[${events.join()}]}`;
    const answer = await callApplication({
      url,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'zocalo',
        'x-zocalo-signature': signatureOf(secret, Math.floor(this.#parts.now() / 1_000), body),
      },
      body,
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT)]),
    });
    // What it says besides is of no interest, however much it is.
    await answer.discard();
    if (answer.status < 200 || answer.status > 299) throw new Error(`it answers with status ${answer.status}`);
  }
}

/** A URL without user, password and query, where secrets may be. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
