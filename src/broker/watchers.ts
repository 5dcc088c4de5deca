import { compilePattern } from '../protocol/index.ts';
import type { Entry, Listener } from './broker.ts';

/** The listeners to channels and patterns in this process. */
export class Watchers {
  #byName = new Map<string, Set<Listener>>();
  #byPattern = new Set<{ matches: (channel: string) => boolean; listener: Listener }>();
  #onError: (error: unknown) => void;

  /** `onError` gets what a listener throws; the other listeners are still called. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(channelOrPattern: string, listener: Listener): () => void {
    if (channelOrPattern.includes('*')) {
      const entry = { matches: compilePattern(channelOrPattern), listener };
      this.#byPattern.add(entry);
      return () => this.#byPattern.delete(entry);
    }
    // A separate function, so that a listener added twice is called twice and removed once.
    const own: Listener = (channel, epoch, entries) => listener(channel, epoch, entries);
    const listeners = this.#byName.get(channelOrPattern) ?? new Set();
    this.#byName.set(channelOrPattern, listeners.add(own));
    return () => {
      if (listeners.delete(own) && listeners.size === 0) this.#byName.delete(channelOrPattern);
    };
  }

  /** Whether anybody listens to this channel. */
  has(channel: string): boolean {
    if (this.#byName.has(channel)) return true;
    for (const { matches } of this.#byPattern) if (matches(channel)) return true;
    return false;
  }

  tell(channel: string, epoch: string, entries: readonly Entry[]): void {
    const listeners = this.#byName.get(channel);
    if (listeners) for (const listener of listeners) this.#call(listener, channel, epoch, entries);
    if (this.#byPattern.size === 0) return;
    for (const { matches, listener } of this.#byPattern) {
      if (matches(channel)) this.#call(listener, channel, epoch, entries);
    }
  }

  #call(listener: Listener, channel: string, epoch: string, entries: readonly Entry[]): void {
    try {
      listener(channel, epoch, entries);
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** Throws an uncaught error, as for an event listener. */
export function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
