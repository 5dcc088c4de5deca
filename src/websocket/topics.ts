import { Buffer } from 'node:buffer';
import { Batch } from './batch.ts';
import { type Payload, payloadSize } from './core/frame-writer.ts';
import { deliver, sequence } from './delivery.ts';
import type { FlushQueue } from './flush-queue.ts';
import type { CompressionOptions } from './limits.ts';
import { type Subscriber, Topic } from './topic.ts';

/** A batch buffer up to this size is reused in the next turn. */
const SPARE = 64 * 1024;

/**
 * Publishes to topics. Each publication is encoded once, those of one turn share one buffer, and every subscriber gets
 * them in one write at the end of the turn, in order with what was sent to it alone.
 */
export class Topics {
  readonly #flushQueue: FlushQueue;
  readonly #compression: Required<CompressionOptions> | null;
  readonly #byName = new Map<string, Topic>();
  /** Topics with a batch. */
  #pending: Topic[] = [];
  #number = 0;
  #order = 0;
  readonly #atEnd = (): void => this.#deliver();

  constructor(flushQueue: FlushQueue, compression: Required<CompressionOptions> | null) {
    this.#flushQueue = flushQueue;
    this.#compression = compression;
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  subscribe(subscriber: Subscriber, name: string): void {
    let topic = this.#byName.get(name);
    if (!topic) {
      topic = new Topic(name);
      this.#byName.set(name, topic);
    }
    this.join(subscriber, topic);
    subscriber.topics ??= new Set();
    subscriber.topics.add(topic);
  }

  /** Delivers to a subscriber what is published from now on. */
  join(subscriber: Subscriber, topic: Topic): void {
    this.settle(subscriber);
    topic.subscribers.add(subscriber);
  }

  unsubscribe(subscriber: Subscriber, name: string): void {
    const topic = this.#byName.get(name);
    if (!topic || !subscriber.topics?.delete(topic)) return;
    this.settle(subscriber);
    this.#leave(subscriber, topic);
  }

  leaveAll(subscriber: Subscriber): void {
    for (const topic of subscriber.topics ?? []) this.#leave(subscriber, topic);
    subscriber.topics = null;
  }

  #leave(subscriber: Subscriber, topic: Topic): void {
    topic.subscribers.delete(subscriber);
    if (topic.subscribers.size === 0) this.#byName.delete(topic.name);
  }

  /** Returns the number of subscribers. */
  publish(topic: Topic, message: Payload, except: Subscriber | null): number {
    const length = payloadSize(message); // throws for an invalid message, before anything has changed
    if (topic.subscribers.size === 0) return 0;
    if (topic.batch === null) {
      topic.batch = new Batch(topic.spare ?? Buffer.allocUnsafeSlow(1024), this.#compression);
      topic.spare = null;
      if (this.#pending.length === 0) this.#flushQueue.atEnd(this.#atEnd);
      this.#pending.push(topic);
    }
    topic.batch.append(this.#order++, message, length, except);
    return topic.subscribers.size;
  }

  /**
   * Queues for one subscriber what was published to it in this turn so far, so that what is then sent to it alone, or a
   * change of its topics, comes after.
   */
  settle(subscriber: Subscriber): void {
    if (this.#pending.length === 0) return;
    const batches = this.#pending.filter((topic) => topic.subscribers.has(subscriber)).map((topic) => topic.batch!);
    const from = subscriber.turn === this.#number ? subscriber.cursor : 0;
    // Before anything is sent: `onQueueFull` may publish, or come back here.
    subscriber.turn = this.#number;
    subscriber.cursor = this.#order;
    const pieces = [...sequence(batches, subscriber, from)];
    if (pieces.length > 0) subscriber.connection.deflate?.forgetSent();
    for (const batch of batches) batch.kept = true;
    for (const frames of pieces) subscriber.connection.sendFrames(frames);
  }

  #deliver(): void {
    const topics = this.#pending;
    const batches = topics.map((topic) => topic.batch!);
    const turn = this.#number;
    // From here on a hook may publish again; that belongs to the next turn.
    this.#pending = [];
    this.#number++;
    this.#order = 0;
    for (const topic of topics) topic.batch = null;
    const shared = new Map<string, Buffer>();
    let kept = false;
    for (let i = 0; i < topics.length; i++) {
      const alone = topics.length === 1 && batches[i]!.excepted.size === 0 ? batches[i]!.plain.whole : null;
      for (const subscriber of topics[i]!.subscribers) {
        const { connection } = subscriber;
        if (alone !== null && connection.deflate === null && subscriber.turn !== turn) {
          // The usual case, and the hot one: one topic, nobody excluded, nothing sent to this subscriber alone.
          if (connection.writeFrames(alone)) kept = true;
          continue;
        }
        if (subscriber.met === turn) continue;
        subscriber.met = turn;
        const heard = batches.filter((_, at) => topics[at]!.subscribers.has(subscriber));
        if (deliver(subscriber, heard, subscriber.turn === turn ? subscriber.cursor : 0, shared)) kept = true;
      }
    }
    for (let i = 0; i < topics.length; i++) {
      const batch = batches[i]!;
      const { buffer } = batch.plain;
      if (!kept && !batch.kept && buffer.length <= SPARE) topics[i]!.spare = buffer;
    }
  }
}
