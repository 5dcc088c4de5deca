import type { Message } from './messages.ts';
import type { Subscription } from './subscription.ts';

/**
 * Calls `listener` with the messages of one kind: those published with the option `event` of that name. All listeners of a
 * subscription read together, as with `on`. A function of its own, so that pages without it do not load it. Returns a
 * function that removes it.
 *
 * @example
 * onEvent<{ x: number }>(board, 'moved', ({ data }) => move(data.x));
 */
export function onEvent<T = unknown>(
  // biome-ignore lint/suspicious/noExplicitAny: of any data, of which an event is a part.
  subscription: Subscription<any, any, any>,
  event: string,
  listener: (message: Message<T>) => void,
): () => void {
  return subscription.on('message', (message) => {
    if (message.event === event) listener(message);
  });
}
