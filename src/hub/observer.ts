import type { Position } from '../protocol/index.ts';
import { isThenable } from '../thenable.ts';
import type { UserConnection } from './caller.ts';
import type { Report } from './report.ts';

/** A publication as it was taken. */
export interface Taken {
  readonly channel: string;
  /** JSON text. */
  readonly data: string;
  /** Undefined for what is not kept. */
  readonly position: Position | undefined;
  /** Who published it; undefined for the server, and for a client without a user. */
  readonly user: string | undefined;
  /** The connection that published it; undefined for the server. */
  readonly connection: string | undefined;
  /** Milliseconds until it was in the log. */
  readonly took: number;
}

/** What somebody was refused, beside the code. */
export interface Refusal {
  /** The sentence that they were told. */
  readonly message: string;
  /** The channel or pattern that it was about, if it was about one. */
  readonly channel: string | undefined;
}

/**
 * Is told what happens in a hub: for metrics, webhooks, an admin's view. It hears of everything after the fact, must
 * not take long, and cannot change anything; what it throws is reported and hurts nobody.
 */
export interface HubObserver {
  /** Somebody was let in. */
  onConnect?(who: UserConnection): void;
  /** They are gone. */
  onDisconnect?(who: UserConnection): void;
  /** The first connection of a user came. */
  onOnline?(user: string): void;
  /** The last one went. */
  onOffline?(user: string): void;
  /** The first subscriber of a channel on this node came. */
  onOccupied?(channel: string): void;
  /** The last one went. */
  onVacated?(channel: string): void;
  /** A publication is in the log (once, however often it was repeated), or was passed on without being kept. */
  onPublished?(taken: Taken): void;
  /** A publication could not be stored. */
  onFailed?(channel: string, error: unknown): void;
  /** Lines that came in one frame. */
  onReceived?(who: UserConnection, lines: number): void;
  /** A text went out to so many. */
  onDelivered?(receivers: number): void;
  /** A request was refused, or a connection ended by the hub, with this code. */
  onRefused?(who: UserConnection, code: string, refusal: Refusal): void;
  /** A reader turned out to be slow. */
  onSlow?(who: UserConnection): void;
}

/** Everybody who observes one hub. */
export class Observers {
  readonly #all = new Set<HubObserver>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** The answer takes it away again. */
  add(observer: HubObserver): () => void {
    this.#all.add(observer);
    return () => this.#all.delete(observer);
  }

  tell<Name extends keyof HubObserver>(name: Name, ...news: Parameters<NonNullable<HubObserver[Name]>>): void {
    for (const observer of this.#all) {
      // Not through `guard`: two closures for each publication.
      try {
        const result = (observer[name] as ((...news: unknown[]) => unknown) | undefined)?.call(observer, ...news);
        if (isThenable(result)) Promise.resolve(result).catch((cause) => this.#failed(name, cause));
      } catch (cause) {
        this.#failed(name, cause);
      }
    }
  }
  #failed(name: string, cause: unknown): void {
    this.#report(`an observer failed at ${name}`, cause);
  }
}
