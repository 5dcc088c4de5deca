import type { Client, Subscription } from '../../src/client/index.ts';
import { type Traffic, WATCH_PREFIX, watchedName } from '../../src/server/admin/view.ts';
import { create, find } from '../dom.ts';
import type { Api } from './api.ts';
import { HistoryView } from './history.ts';
import type { AdminWords } from './words.ts';

/** Lines kept on the page. */
const KEPT = 200;

/** Live traffic of one user or channel, with what is known about it. */
export class TrafficView {
  readonly #client: Client;
  readonly #api: Api;
  readonly #form = find('watch', HTMLFormElement);
  readonly #kind = find('watch-kind', HTMLSelectElement);
  readonly #name = find('watch-name', HTMLInputElement);
  readonly #stop = find('watch-stop', HTMLButtonElement);
  readonly #detail = find('detail', HTMLDivElement);
  readonly #list = find('traffic', HTMLOListElement);
  readonly #words: AdminWords;
  readonly #moment: (at: number) => string;
  readonly #history: HistoryView;
  #subscription: Subscription | undefined;

  /** `moment` formats milliseconds since 1970. */
  constructor(client: Client, api: Api, words: AdminWords, moment: (at: number) => string) {
    this.#client = client;
    this.#api = api;
    this.#words = words;
    this.#moment = moment;
    this.#history = new HistoryView(api, (text) => this.#say(text), moment);
  }

  listen(): void {
    this.#history.listen();
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.watch(this.#kind.value === 'user' ? 'user' : 'channel', this.#name.value.trim());
    });
    this.#stop.addEventListener('click', () => this.stop());
  }

  async watch(kind: 'user' | 'channel', name: string): Promise<void> {
    this.stop();
    this.#kind.value = kind;
    this.#name.value = name;
    this.#stop.hidden = false;
    this.#form.scrollIntoView({ block: 'nearest' });
    const channel = WATCH_PREFIX + watchedName(kind, name);
    try {
      this.#subscription = this.#client.subscribe(channel);
    } catch (error) {
      this.#say((error as Error).message);
      return;
    }
    this.#subscription.on('message', ({ data }) => this.#show(data as Traffic));
    this.#subscription.on('error', (error) => this.#say(error.message));
    this.#say(kind === 'channel' ? this.#words.watchingChannel(name) : this.#words.watchingUser(name));
    if (kind === 'channel') await this.#describe(name, this.#subscription);
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#stop.hidden = true;
    this.#detail.replaceChildren();
    this.#list.replaceChildren();
    this.#history.clear();
  }

  /** Only while `subscription` is the one that is shown. */
  async #describe(channel: string, subscription: Subscription): Promise<void> {
    const asked = [this.#api.presence(channel), this.#api.history(channel, 1)] as const;
    const [presence, history] = await Promise.allSettled(asked);
    if (subscription !== this.#subscription) return;
    if (history.status === 'fulfilled') {
      const { oldest, head } = history.value;
      this.#say(head < oldest ? this.#words.logEmpty(head) : this.#words.logHolds(oldest, head));
      if (head >= oldest) void this.#history.show(channel, history.value);
    } else this.#say((history.reason as Error).message);
    if (presence.status === 'fulfilled') {
      const names = (presence.value.members ?? []).map(({ id, data }) =>
        data === undefined ? id : JSON.stringify(data),
      );
      this.#say(this.#words.present(presence.value.count, names.slice(0, 50).join(', ')));
    }
  }

  #say(text: string): void {
    this.#detail.append(create('p', '', text));
  }

  #show({ at, kind, user, channel, data, offset, code, message, connection }: Traffic): void {
    const item = create('li');
    const time = create('time', '', this.#moment(at));
    const what = [
      channel && offset !== undefined ? `${channel} ${offset}` : channel,
      user,
      code,
      message,
      data,
      kind === 'published' ? undefined : connection,
    ];
    item.append(
      time,
      create('span', 'kind', this.#words[kind === 'disconnected' ? 'gone' : kind]),
      what.filter((part) => part !== undefined).join(' '),
    );
    this.#list.prepend(item);
    if (this.#list.childElementCount > KEPT) this.#list.lastElementChild?.remove();
  }
}
