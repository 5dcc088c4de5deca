import type { Connection } from './connection.ts';
import type { ConnectionContext } from './connection-context.ts';
import type { Hooks } from './hooks.ts';
import type { Topic } from './topic.ts';
import type { Topics } from './topics.ts';
import type { User } from './user.ts';

/** What the sessions of one server share. */
export interface SessionContext extends ConnectionContext {
  readonly hooks: Hooks;
  readonly topics: Topics;
  /** The topic of all connected users. */
  readonly everyone: Topic;
  readonly users: Set<User>;
  /** Connections whose closing handshake is over and whose socket is still open. */
  readonly leaving: Set<Connection>;
  /** Called after each socket that closed. */
  onGone(): void;
}
