import { create, find } from '../dom.ts';
import type { Api, HistoryPage } from './api.ts';

/** Publications shown at a time. */
const PAGE = 20;

/** The last publications of a channel, newest first, with a button for older ones. */
export class HistoryView {
  readonly #api: Api;
  readonly #view = find('history-view', HTMLDivElement);
  readonly #list = find('history', HTMLOListElement);
  readonly #older = find('history-older', HTMLButtonElement);
  readonly #say: (text: string) => void;
  readonly #moment: (at: number) => string;
  #channel = '';
  #epoch = '';
  /** The offset of the oldest one shown. */
  #first = 0;

  /** `say` shows errors. `moment` formats milliseconds since 1970. */
  constructor(api: Api, say: (text: string) => void, moment: (at: number) => string) {
    this.#api = api;
    this.#say = say;
    this.#moment = moment;
  }

  listen(): void {
    this.#older.addEventListener('click', () => void this.#showOlder());
  }

  /** Starts with what the log contained at the time of the request. */
  async show(channel: string, { epoch, head }: HistoryPage): Promise<void> {
    this.clear();
    this.#channel = channel;
    this.#epoch = epoch;
    this.#first = head + 1;
    await this.#showOlder();
  }

  clear(): void {
    this.#channel = '';
    this.#view.hidden = true;
    this.#list.replaceChildren();
  }

  async #showOlder(): Promise<void> {
    const [channel, first] = [this.#channel, this.#first];
    const after = Math.max(0, first - 1 - PAGE);
    this.#older.disabled = true;
    try {
      const { entries, oldest } = await this.#api.history(channel, PAGE, [this.#epoch, after]);
      if (channel !== this.#channel || first !== this.#first) return;
      for (const [offset, data, { user, time }] of entries.filter(([offset]) => offset < first).reverse()) {
        const item = create('li');
        const what = [String(offset), user, JSON.stringify(data)].filter((part) => part !== undefined);
        item.append(create('time', '', time === undefined ? '' : this.#moment(time)), what.join(' '));
        this.#list.append(item);
      }
      this.#first = Math.max(after + 1, oldest);
      this.#older.hidden = this.#first <= oldest;
      this.#view.hidden = this.#list.childElementCount === 0;
    } catch (error) {
      this.#say((error as Error).message);
    } finally {
      this.#older.disabled = false;
    }
  }
}
