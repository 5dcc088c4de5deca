import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import type { Script } from './scripts.ts';
import type { ServerFacts } from './server-facts.ts';

type Words = readonly (string | number)[];

/** What a store's connections for commands offer, to one server or to the servers of a cluster. */
export interface Link {
  /** Rejects with a code when there is no connection; it is tried on until `close`. */
  open(): Promise<void>;
  /** Why nothing can be sent now. */
  readonly fault: ZocaloError | undefined;
  /** Why something cannot be sent now: with a cluster, to one of its servers. */
  readonly trouble: ZocaloError | undefined;
  /** Of each server that is connected. Call after `open`. */
  readonly facts: readonly ServerFacts[];
  /** The server, or each primary of a cluster. Call after `open`. */
  readonly servers: readonly LinkedServer[];
  /** Runs a script on the server that has this partition. Rejects with a code. */
  run(partition: number, script: Script, keys: readonly string[], args: Words): Promise<unknown>;
  /** The same for the script that appends. */
  append(partition: number, keys: readonly string[], args: Words): Promise<Appended>;
  /** The same for the script that reads a log, or changes it otherwise. */
  ask(partition: number, keys: readonly string[], args: Words): Promise<unknown>;
  /** Runs a command on the server that has this partition, whose hash tag its key has. */
  callAt(partition: number, command: string, ...args: Words): Promise<unknown>;
  /** Runs a command without a key, always on the same server if it is connected. */
  call(command: string, ...args: Words): Promise<unknown>;
  /** What is sent until `uncork` shares one write. */
  cork(): void;
  uncork(): void;
  close(): void;
}

/** One server, as it is known now. */
export interface LinkedServer {
  readonly place: string;
  /** Undefined while there is no connection to it; `fault` says why. */
  readonly facts: ServerFacts | undefined;
  readonly fault: ZocaloError | undefined;
  /** Runs a command on this server. Rejects with a code. */
  call(command: string, ...args: Words): Promise<unknown>;
}

export interface Appended {
  readonly answer: unknown;
  /** The server that it was appended on, for WAIT. */
  readonly server: { call(command: string, ...args: Words): Promise<unknown> };
}

export interface LinkOptions {
  readonly place: string;
  readonly clock: Clock;
  /** Number of the database; default 0. */
  readonly database?: number;
  /** Logs survive a restart of the server, so that it needs no new epochs. */
  readonly isDurable: boolean;
  /** Called when the connection stands again after it was lost. */
  readonly onBack: () => void;
}
