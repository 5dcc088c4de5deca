import { Client } from '../../../src/client/index.ts';
import type { Dice } from '../dice.ts';
import type { Reader } from './verdict.ts';

/** Subscribers of all rooms, each with a connection of its own, and what each was told. */
export class Readers {
  /** One for each reader and room. */
  readonly all: Reader[] = [];
  readonly #clients: Client[] = [];

  constructor(count: number, host: string, rooms: readonly string[], dice: Dice) {
    for (let n = 0; n < count; n++) {
      const client = new Client(`ws://${host}`, { random: dice.fork().next });
      client.on('error', () => {});
      this.#clients.push(client);
      for (const room of rooms) this.#read(client, `reader ${n}`, room);
    }
  }

  get haveBegun(): boolean {
    return this.all.every(({ start }) => start !== undefined);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #read(client: Client, name: string, channel: string): void {
    const reader: Reader = { name, channel, told: [] };
    this.all.push(reader);
    const subscription = client.subscribe(channel);
    subscription.on('state', (state) => {
      if (state === 'live') reader.start ??= subscription.position!;
    });
    subscription.on('message', ({ position, data }) => reader.told.push({ at: position!, id: data as string }));
    subscription.on('gap', (gap) => reader.told.push({ gap }));
  }
}
