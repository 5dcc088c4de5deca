import { Buffer } from 'node:buffer';
import type { Batch } from './batch.ts';
import type { Subscriber } from './topic.ts';

/** Sends a subscriber its publications of a turn. Returns whether a queue still holds their buffers. */
export function deliver(
  subscriber: Subscriber,
  batches: Batch<Subscriber>[],
  from: number,
  shared: Map<string, Buffer>,
): boolean {
  const { connection } = subscriber;
  const { deflate } = connection;
  deflate?.forgetSent();
  const own = from > 0 || batches.some((batch) => batch.excepted.has(subscriber));
  if (own) {
    for (const frames of sequence(batches, subscriber, from)) connection.sendFrames(frames, true);
    return true;
  }
  if (batches.length === 1) return connection.writeFrames(batches[0]!.encodingFor(deflate).whole);
  // All who subscribe to the same topics with the same compression get the same buffer.
  const key = `${deflate?.windowBits} ${batches.map((batch) => batch.publications[0]!.order)}`;
  let frames = shared.get(key);
  if (!frames) {
    frames = Buffer.concat([...sequence(batches, subscriber, 0)]);
    shared.set(key, frames);
  }
  return connection.writeFrames(frames);
}

/** The publications of several batches from number `from` on, in order, in as few pieces as possible. */
export function* sequence(batches: Batch<Subscriber>[], subscriber: Subscriber, from: number): Generator<Buffer> {
  const { deflate } = subscriber.connection;
  const at = batches.map((batch) => batch.publications.findIndex((publication) => publication.order >= from));
  const orderOf = (i: number) => (at[i]! < 0 ? undefined : batches[i]!.publications[at[i]!]?.order);
  for (;;) {
    // Finds the batch with the earliest publication left, and the order at which another batch has to come first.
    let first = -1;
    let limit = Number.POSITIVE_INFINITY;
    for (let i = 0; i < batches.length; i++) {
      const order = orderOf(i);
      if (order === undefined) continue;
      const best = first < 0 ? Number.POSITIVE_INFINITY : orderOf(first)!;
      limit = Math.min(limit, Math.max(order, best));
      if (order < best) first = i;
    }
    if (first < 0) return;
    const { publications } = batches[first]!;
    const start = at[first]!;
    let stop = start;
    while (stop < publications.length && publications[stop]!.order < limit && publications[stop]!.except !== subscriber)
      stop++;
    at[first] = Math.max(stop, start + 1);
    if (stop > start) yield batches[first]!.encodingFor(deflate).frames(start, stop);
  }
}
