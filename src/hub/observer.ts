import { checkNames, type OptionNames } from '../option-names.ts';
import type { Position } from '../protocol/index.ts';
import { isThenable } from '../thenable.ts';
import type { UserConnection } from './caller.ts';
import type { Report } from './report.ts';

/** A publication that was accepted. */
export interface Taken {
  readonly channel: string;
  /** JSON text. */
  readonly data: string;
  /** Undefined with `keep: false`. */
  readonly position: Position | undefined;
  /** Who published it; undefined for the server, and for a client without a user. */
  readonly user: string | undefined;
  /** The connection that published it; undefined for the server. */
  readonly connection: string | undefined;
  /** Milliseconds until it was in the log. */
  readonly took: number;
  /** An observer has said that it needs a follow-up: the store remembers it, if it can. Default false. */
  readonly needsFollowUp?: boolean;
}

/** Somebody became a member of a channel, or is one no longer. */
export interface MemberNews {
  readonly channel: string;
  /** The user's id, or for an anonymous one that of a connection: as in `presence`. */
  readonly id: string;
  /** As the others see it, or saw it last; undefined if there is none. */
  readonly data: unknown;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** What was refused, besides the code. */
export interface Refusal {
  /** The message that the client got. */
  readonly message: string;
  /** The channel or pattern that it was about, if any. */
  readonly channel: string | undefined;
}

/**
 * Gets the events of a hub: for metrics, webhooks, an admin page. It is called after each event, must return quickly,
 * and cannot change anything; what it throws is reported and affects nothing else.
 */
export interface HubObserver {
  /** A connection was accepted. */
  onConnect?(who: UserConnection): void;
  /**
   * It has ended, after its subscriptions. `code`: that of the WebSocket's close frame (RFC 6455 §7.4), the server's or
   * the client's; 1006 if the connection was lost without one, or has none.
   */
  onDisconnect?(who: UserConnection, code: number): void;
  /** A connection has subscribed to a channel, or to a pattern. */
  onSubscribe?(who: UserConnection, channelOrPattern: string): void;
  /** This subscription has ended: by the client, by the server, or with its connection. */
  onUnsubscribe?(who: UserConnection, channelOrPattern: string): void;
  /** A user's first connection was accepted. */
  onOnline?(user: string): void;
  /** The last one has ended. */
  onOffline?(user: string): void;
  /** A channel on this node got its first subscriber. */
  onOccupied?(channel: string): void;
  /** The last one left. */
  onVacated?(channel: string): void;
  /**
   * Somebody has become a member of a channel. Of several nodes, the one that the member came to tells it, and no other;
   * not again when more connections of the same member come, and not after a short loss of its connection.
   */
  onJoin?(news: MemberNews): void;
  /**
   * Is a member no longer: has left, or was away for longer than `linger`. Of several nodes, the one of its last
   * connection tells it; if that has died, the one that notices.
   */
  onLeave?(news: MemberNews): void;
  /** A publication is in the log (once, however often it was repeated), or was delivered with `keep: false`. */
  onPublished?(taken: Taken): void;
  /** A publication that was in the log already was published again with its key. Whether `onPublished` told of it is not known: perhaps its first answer was lost. */
  onRepeated?(taken: Taken): void;
  /** A publication could not be stored. */
  onFailed?(channel: string, error: unknown): void;
  /** Lines arrived in one frame. */
  onReceived?(who: UserConnection, lines: number): void;
  /** A text was sent to this many receivers. */
  onDelivered?(receivers: number): void;
  /** A request was refused with this code, or the hub ended a connection with it. */
  onRefused?(who: UserConnection, code: string, refusal: Refusal): void;
  /** A reader turned out to be slow. */
  onSlow?(who: UserConnection): void;
  /**
   * Whether something is to be done after a publication to this channel that must be done by somebody else if this
   * process dies: a store that several processes share remembers the publication then, until its `FollowUps` are told
   * that it is done. Asked before each publication that goes into the log.
   */
  needsFollowUp?(channel: string): boolean;
}

type Event = Exclude<keyof HubObserver, 'needsFollowUp'>;

const EVENTS: OptionNames<Pick<HubObserver, Event>> = {
  onConnect: true,
  onDisconnect: true,
  onSubscribe: true,
  onUnsubscribe: true,
  onOnline: true,
  onOffline: true,
  onOccupied: true,
  onVacated: true,
  onJoin: true,
  onLeave: true,
  onPublished: true,
  onRepeated: true,
  onFailed: true,
  onReceived: true,
  onDelivered: true,
  onRefused: true,
  onSlow: true,
};

/** All observers of one hub. */
export class Observers {
  readonly #all = new Set<HubObserver>();
  /** Those that follow up. */
  readonly #following = new Set<HubObserver>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /**
   * Returns a function that removes it. An observer may have members of its own, but those that begin like an event are
   * one. @throws ZocaloError BAD_OPTION.
   */
  add(observer: HubObserver): () => void {
    const events = Object.entries(observer).filter(([name]) => /^on[A-Z]/.test(name));
    checkNames(Object.fromEntries(events), EVENTS, 'of an observer');
    this.#all.add(observer);
    if (observer.needsFollowUp) this.#following.add(observer);
    return () => {
      this.#following.delete(observer);
      return this.#all.delete(observer);
    };
  }

  /** Whether anybody does something after a publication to this channel that must not be forgotten. */
  needFollowUp(channel: string): boolean {
    for (const observer of this.#following) {
      try {
        if (observer.needsFollowUp!(channel)) return true;
      } catch (cause) {
        this.#failed('needsFollowUp', cause);
      }
    }
    return false;
  }

  /** Whether anybody wants to know. */
  has(name: Event): boolean {
    for (const observer of this.#all) if (observer[name]) return true;
    return false;
  }

  tell<Name extends Event>(name: Name, ...news: Parameters<NonNullable<HubObserver[Name]>>): void {
    for (const observer of this.#all) {
      // Not through `guard`: that would take two closures per publication.
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
