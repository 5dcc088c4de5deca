import type { Roster } from '../../nodes/index.ts';
import type { UserConnection } from '../caller.ts';
import type { Excluded } from '../channels/excluded.ts';
import type { Observers } from '../observer.ts';

/** The connected users of this node, and their connections. */
export class Users {
  readonly connections = new Map<string, UserConnection & Excluded>();
  readonly #byUser = new Map<string, Set<UserConnection>>();
  /** Connections per user, without internal ones. */
  readonly #counts = new Map<string, number>();
  readonly #observers: Observers;
  /** The users of all nodes, if there are others. */
  readonly #roster: Roster | undefined;

  constructor(observers: Observers, roster?: Roster) {
    this.#observers = observers;
    this.#roster = roster;
  }

  add(connection: UserConnection & Excluded): void {
    this.connections.set(connection.id, connection);
    this.#observers.tell('onConnect', connection);
    const { user, isInternal } = connection;
    if (user === undefined) return;
    const theirs = this.#byUser.get(user) ?? new Set();
    this.#byUser.set(user, theirs.add(connection));
    if (isInternal) return;
    const count = (this.#counts.get(user) ?? 0) + 1;
    this.#counts.set(user, count);
    if (count > 1) return;
    this.#roster?.add(user);
    this.#observers.tell('onOnline', user);
  }

  /** `wait`: milliseconds after which its client was told to come back. */
  remove(connection: UserConnection, code: number, wait: number): void {
    if (!this.connections.delete(connection.id)) return;
    this.#observers.tell('onDisconnect', connection, code);
    const { user, isInternal } = connection;
    if (user === undefined) return;
    const theirs = this.#byUser.get(user);
    theirs?.delete(connection);
    if (theirs?.size === 0) this.#byUser.delete(user);
    if (isInternal) return;
    const count = this.#counts.get(user)! - 1;
    this.#counts.set(user, count);
    if (count > 0) return;
    this.#counts.delete(user);
    this.#roster?.remove(user, wait);
    this.#observers.tell('onOffline', user);
  }

  of(user: string): readonly UserConnection[] {
    return [...(this.#byUser.get(user) ?? [])];
  }

  get ids(): readonly string[] {
    return [...this.#counts.keys()];
  }
}
