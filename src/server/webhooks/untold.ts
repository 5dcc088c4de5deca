import type { FollowUps, Unfinished } from '../../broker/index.ts';
import type { EventQueues, QueuedNews } from '../../nodes/index.ts';
import type { Meta } from '../../protocol/index.ts';
import { publishedText } from './webhook.ts';

/** Milliseconds after which a publication that is remembered still was not told of by its own node. */
const AGE = 3_000;

/** The id of a publication in the queues. */
export function idOf({ channel, position }: Pick<Unfinished, 'channel' | 'position'>): string {
  return String([channel, position]);
}

export interface UntoldOptions {
  readonly followUps: FollowUps;
  readonly queues: EventQueues;
  /** The webhooks that are told of a publication to this channel. */
  readonly webhooksOf: (channel: string) => readonly string[];
  /** Something was added for this webhook. */
  readonly onStored: (webhook: string) => void;
}

/**
 * Tells of publications that their own node has not told of: it has died, was never answered that they are in the log, or
 * had to drop the event. One that is no longer in the log counts as missed.
 */
export class Untold {
  readonly #options: UntoldOptions;
  #looking: Promise<void> | undefined;

  constructor(options: UntoldOptions) {
    this.#options = options;
  }

  /** Rejects with LOG_…. */
  look(): Promise<void> {
    this.#looking ??= this.#options.followUps
      .finish(AGE, (unfinished) => this.#tell(unfinished))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #tell(unfinished: readonly Unfinished[]): Promise<void> {
    const { queues, webhooksOf, onStored } = this.#options;
    const news = new Map<string, QueuedNews[]>();
    for (const one of unfinished) {
      const added = { id: idOf(one), event: eventOf(one) };
      for (const webhook of webhooksOf(one.channel)) {
        const its = news.get(webhook);
        if (its) its.push(added);
        else news.set(webhook, [added]);
      }
    }
    const adding = [...news].map(([webhook, added]) => queues.add(webhook, added, 0).then(() => onStored(webhook)));
    await Promise.all(adding);
  }
}

function eventOf({ channel, position, entry }: Unfinished): string | undefined {
  if (!entry) return undefined;
  const { user } = (entry.meta === null ? {} : JSON.parse(entry.meta)) as Meta;
  return publishedText({ channel, data: entry.data, position, user }, entry.time);
}
