import type { Caller, Hub, HubObserver, Refusal, Taken } from '../../hub/index.ts';
import { OWN_PREFIX, type Traffic, WATCH_PREFIX, watchedName } from './view.ts';

/** Events of one user or channel that are published per second. Further ones are dropped, so that watching stays cheap. */
const MOST = 100;

/**
 * Publishes what happens to one user or in one channel, for the admin page. It works only while somebody watches: the
 * channel `zocalo:watch:user:natalia` is filled while it has subscribers.
 */
export class Watch implements HubObserver {
  readonly #hub: Hub;
  readonly #now: () => number;
  /** What is watched, as `user:natalia` or `channel:news`, and how many events were published in this second. */
  readonly #watched = new Map<string, number>();

  constructor(hub: Hub, now: () => number) {
    this.#hub = hub;
    this.#now = now;
  }

  onOccupied(channel: string): void {
    if (channel.startsWith(WATCH_PREFIX)) this.#watched.set(channel.slice(WATCH_PREFIX.length), 0);
  }

  onVacated(channel: string): void {
    if (channel.startsWith(WATCH_PREFIX)) this.#watched.delete(channel.slice(WATCH_PREFIX.length));
  }

  onConnect({ user, id }: Caller): void {
    this.#tellUser(user, { kind: 'connected', connection: id });
  }

  onDisconnect({ user, id }: Caller): void {
    this.#tellUser(user, { kind: 'disconnected', connection: id });
  }

  onRefused({ user, id }: Caller, code: string, { channel, message }: Refusal): void {
    this.#tellUser(user, { kind: 'refused', connection: id, code, message, ...(channel !== undefined && { channel }) });
  }

  onSlow({ user, id }: Caller): void {
    this.#tellUser(user, { kind: 'slow', connection: id });
  }

  onPublished({ channel, data, position, user, connection }: Taken): void {
    if (this.#watched.size === 0 || channel.startsWith(OWN_PREFIX)) return;
    const news = (): Omit<Traffic, 'at'> => ({
      kind: 'published',
      channel,
      data,
      ...(position && { offset: position[1] }),
      ...(user !== undefined && { user }),
      ...(connection !== undefined && { connection }),
    });
    this.#tellIfWatched(watchedName('channel', channel), news);
    if (user !== undefined) this.#tellIfWatched(watchedName('user', user), news);
  }

  /** Call it each second. */
  tick(): void {
    for (const name of this.#watched.keys()) this.#watched.set(name, 0);
  }

  #tellUser(user: string | undefined, news: Omit<Traffic, 'at'>): void {
    if (this.#watched.size > 0 && user !== undefined)
      this.#tellIfWatched(watchedName('user', user), () => ({ user, ...news }));
  }

  #tellIfWatched(name: string, news: () => Omit<Traffic, 'at'>): void {
    const told = this.#watched.get(name) ?? MOST;
    if (told >= MOST) return;
    this.#watched.set(name, told + 1);
    // A channel that cannot store this has worse problems, which are reported elsewhere.
    this.#hub
      .publish(WATCH_PREFIX + name, { at: this.#now(), ...news() }, { keep: false, onlyHere: true })
      .catch(() => {});
  }
}
