/** What is on its way from a connection to one channel's log. */
export interface OnItsWay {
  count: number;
}

/**
 * The order of what a connection publishes. It waits for no answer before its next publication, and may repeat one that
 * the log refused: so the log must refuse what it got behind that one too, or it would pass it. What comes after the
 * refusal was told is in another sequence.
 */
export class PublishingOrder {
  readonly #channels = new Map<string, OnItsWay>();

  /** Returns the sequence of a publication, for `Publication.sequence` and for `end`. */
  begin(channel: string): OnItsWay {
    let sequence = this.#channels.get(channel);
    if (!sequence) {
      sequence = { count: 0 };
      this.#channels.set(channel, sequence);
    }
    sequence.count++;
    return sequence;
  }

  end(channel: string, sequence: OnItsWay, isRefused: boolean): void {
    sequence.count--;
    if ((isRefused || sequence.count === 0) && this.#channels.get(channel) === sequence) this.#channels.delete(channel);
  }
}
