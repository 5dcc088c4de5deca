import { PatternTable } from '../../protocol/index.ts';
import type { HandlerConfig } from '../config/index.ts';
import type { EventName } from './events.ts';
import { patternsOverlap } from './overlap.ts';

/** The events that are about one channel. */
export type ChannelEvent = 'subscribe' | 'publish' | 'unsubscribe';
const CHANNEL_EVENTS: readonly ChannelEvent[] = ['subscribe', 'publish', 'unsubscribe'];

/** The channels or methods for which a handler gets an event; none for an event that is about neither. */
export function patternsOf(config: HandlerConfig, event: EventName): readonly string[] {
  if (!config.events.includes(event)) return [];
  if ((CHANNEL_EVENTS as readonly string[]).includes(event)) return [config.channels ?? []].flat();
  return event === 'call' ? [config.methods ?? []].flat() : [];
}

/** Which handler gets which event: of several that match, the one with the most specific pattern. */
export class HandlerTable<T extends { readonly config: HandlerConfig }> {
  readonly connect: T | undefined;
  readonly disconnect: T | undefined;
  readonly #channels: Readonly<Record<ChannelEvent, PatternTable<T>>>;
  readonly #methods: PatternTable<T>;
  /** Every pattern for `subscribe`, with its handler. */
  readonly #subscribe: readonly (readonly [pattern: string, T])[];

  constructor(handlers: readonly T[]) {
    const entries = (event: EventName) =>
      handlers.flatMap((handler) => patternsOf(handler.config, event).map((pattern) => [pattern, handler] as const));
    const gets = (event: EventName) => handlers.find(({ config }) => config.events.includes(event));
    this.connect = gets('connect');
    this.disconnect = gets('disconnect');
    this.#subscribe = entries('subscribe');
    this.#channels = {
      subscribe: new PatternTable(this.#subscribe),
      publish: new PatternTable(entries('publish')),
      unsubscribe: new PatternTable(entries('unsubscribe')),
    };
    this.#methods = new PatternTable(entries('call'));
  }

  /** The handler of a channel's event, if it has one. */
  ofChannel(event: ChannelEvent, channel: string): T | undefined {
    return this.#channels[event].match(channel)?.value;
  }

  ofMethod(method: string): T | undefined {
    return this.#methods.match(method)?.value;
  }

  /** Whether a client's pattern matches channels of other handlers than `asked`. */
  isSplit(pattern: string, asked: T | undefined): boolean {
    return this.#subscribe.some(([other, handler]) => handler !== asked && patternsOverlap(pattern, other));
  }
}

/** Whether an entry of `channels` has channels for which a handler gets this event. */
export function concerns(
  handlers: Readonly<Record<string, HandlerConfig>>,
  event: ChannelEvent,
  entry: string,
): boolean {
  return Object.values(handlers).some((config) =>
    patternsOf(config, event).some((pattern) => patternsOverlap(entry, pattern)),
  );
}
