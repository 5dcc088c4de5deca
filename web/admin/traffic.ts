import type { Client, Subscription } from '../../src/client/index.ts';
import { type Traffic, WATCH_PREFIX, watchedName } from '../../src/server/admin/view.ts';
import { create, find } from '../dom.ts';
import type { Api } from './api.ts';

/** Lines that stay on the page. */
const KEPT = 200;

/** One user's or channel's traffic as it happens, with what is known about them. */
export class TrafficView {
  readonly #client: Client;
  readonly #api: Api;
  readonly #form = find('watch', HTMLFormElement);
  readonly #kind = find('watch-kind', HTMLSelectElement);
  readonly #name = find('watch-name', HTMLInputElement);
  readonly #stop = find('watch-stop', HTMLButtonElement);
  readonly #detail = find('detail', HTMLDivElement);
  readonly #list = find('traffic', HTMLOListElement);
  #subscription: Subscription | undefined;

  constructor(client: Client, api: Api) {
    this.#client = client;
    this.#api = api;
  }

  listen(): void {
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
    this.#say(`Watching the ${kind} ${name}.`);
    if (kind === 'channel') await this.#describe(name);
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#stop.hidden = true;
    this.#detail.replaceChildren();
    this.#list.replaceChildren();
  }

  async #describe(channel: string): Promise<void> {
    const [presence, history] = await Promise.allSettled([this.#api.presence(channel), this.#api.history(channel)]);
    if (history.status === 'fulfilled') {
      const { oldest, head } = history.value;
      this.#say(head < oldest ? `The log is empty; ${head} were published.` : `The log holds ${oldest} to ${head}.`);
    }
    if (presence.status === 'fulfilled') {
      const names = (presence.value.members ?? []).map(({ id, data }) =>
        data === undefined ? id : JSON.stringify(data),
      );
      this.#say(`${presence.value.count} are here${names.length > 0 ? `: ${names.slice(0, 50).join(', ')}` : ''}.`);
    }
  }

  #say(text: string): void {
    this.#detail.append(create('p', '', text));
  }

  #show({ at, kind, user, channel, data, offset, code, connection }: Traffic): void {
    const item = create('li');
    const time = create('time', '', new Date(at).toLocaleTimeString());
    const what = [
      channel && offset !== undefined ? `${channel} ${offset}` : channel,
      user,
      code,
      data,
      kind === 'published' ? undefined : connection,
    ];
    item.append(time, create('span', 'kind', kind), what.filter((part) => part !== undefined).join(' '));
    this.#list.prepend(item);
    if (this.#list.childElementCount > KEPT) this.#list.lastElementChild?.remove();
  }
}
