import { type HubMessage, isNotice, metaOf, type Publication } from '../../../hub/index.ts';
import { JsonText, type Meta, type Position, type Subscribed } from '../../../protocol/index.ts';
import { eventId } from './event-id.ts';

/** One channel of a stream. */
export interface Place {
  readonly channel: string;
  /** The hub's number for it. */
  number: number;
  /**
   * What the reader has of this channel: what it came with, or else where the subscription begins. It moves with a
   * publication, a `skip` or a `gap` alone, so that no id says more than the reader has been sent.
   */
  at: Position | undefined;
}

/** Writes the hub's messages as events, each with the positions in all channels of the stream as its id. Pure. */
export class EventWriter {
  readonly #places: readonly Place[];
  readonly #withMeta: boolean;

  /** `withMeta`: data comes with its channel, its publisher and its time. */
  constructor(places: readonly Place[], withMeta: boolean) {
    this.#places = places;
    this.#withMeta = withMeta;
  }

  /** Only once the position in every channel is known. */
  get id(): string {
    return eventId(this.#places.map(({ at }) => at!));
  }

  event(name: string, data: object): string {
    const line = name === '' ? '' : `event: ${name}\n`;
    return `${line}id: ${this.id}\ndata: ${JsonText.of(data).text}\n\n`;
  }

  /** Empty for what a reader is not told. */
  write(message: HubMessage): string {
    switch (message[0]) {
      case 'ok':
        return message[2] instanceof JsonText ? '' : this.#subscribed(message[2]);
      case 'm': {
        const [, number, publication] = message;
        const { offset, data } = publication;
        const { channel } = offset > 0 ? this.#move(number, offset) : this.#place(number);
        if (isNotice(publication)) return this.#notice(channel, publication);
        if (!this.#withMeta) return this.event('', JsonText.written(data));
        return this.event('', joined({ channel }, `{"data":${data}}`, metaOf(publication) ?? '{}'));
      }
      case 'skip': {
        const [, number, to] = message;
        const from = this.#place(number).at![1] + 1;
        const { channel } = this.#move(number, to);
        return this.event('skip', { channel, from, to });
      }
      case 'gap': {
        const { have, oldest, head, epoch } = message[2];
        const { channel } = this.#move(message[1], head, epoch);
        return this.event('gap', { channel, have, oldest, head, epoch });
      }
      case '+':
        return this.event('join', joined(this.#channel(message[1]), message[2].text));
      case '-':
        return this.event('leave', { ...this.#channel(message[1]), id: message[2] });
      case 'n':
        return this.#presence({ ch: message[1], count: message[2] });
      case 'to':
        return this.event('to', message[1]);
      case undefined:
        return ':\n\n'; // the hub's ping: a comment, so that nothing between takes the line for dead
      default:
        return '';
    }
  }

  /** What was erased, is nothing for this reader; and what tells of that has an event of its own. */
  #notice(channel: string, { offset, data, meta }: Publication): string {
    const { erased, erases, replaces } = JSON.parse(meta!) as Meta;
    if (erased) return this.event('skip', { channel, from: offset, to: offset });
    if (erases) return this.event('erase', { channel, offset: erases });
    return this.event('replace', joined({ channel, offset: replaces }, `{"data":${data}}`));
  }

  #subscribed({ data, ...result }: Subscribed<JsonText, JsonText>): string {
    const first = data ? this.event('subscribed', joined(this.#channel(result.ch!), `{"data":${data.text}}`)) : '';
    return first + this.#presence(result);
  }

  #presence({ ch, members, count }: { ch?: number; members?: JsonText; count?: number }): string {
    if (members) return this.event('presence', joined(this.#channel(ch!), `{"members":${members.text}}`));
    return count === undefined ? '' : this.event('presence', { ...this.#channel(ch!), count });
  }

  #place(number: number): Place {
    return this.#places.find((place) => place.number === number)!;
  }

  #channel(number: number): { channel: string } {
    return { channel: this.#place(number).channel };
  }

  #move(number: number, offset: number, epoch?: string): Place {
    const place = this.#place(number);
    place.at = [epoch ?? place.at![0], offset];
    return place;
  }
}

/** One object with the members of several, of which some are JSON already. */
function joined(...objects: readonly (object | string)[]): JsonText {
  const members = objects.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)).slice(1, -1));
  return JsonText.written(`{${members.filter((text) => text !== '').join()}}`);
}
