import type { Clock } from '../../clock.ts';
import type { Hub } from '../../hub/index.ts';
import type { ProgramLog } from '../../programs/index.ts';
import type { DeviceState } from '../../sources/index.ts';
import type { AddressLimits } from '../limits/index.ts';
import type { Metrics, ThrottledLog } from '../operations/index.ts';
import type { OnRefused } from '../refusal-reasons.ts';
import type { DeviceRecords } from './device-records.ts';

/** What every kind of source is given. */
export interface SourceParts {
  readonly hub: Hub;
  readonly log: ThrottledLog;
  /** For lines that only we and our programs can cause: not throttled. */
  readonly programLog: ProgramLog;
  readonly metrics: Pick<Metrics, 'failed'>;
  /** Open while there are sources. */
  readonly records: DeviceRecords;
  readonly addressLimits: AddressLimits;
  readonly onRefused: OnRefused;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** A metric of sources: a line for each of them that has it. */
export interface SourceMetric {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
}

export const UP: SourceMetric = { name: 'zocalo_source_up', kind: 'gauge', help: 'Whether a source works.' };
export const FAILURES: SourceMetric = {
  name: 'zocalo_source_failures_total',
  kind: 'counter',
  help: 'Failures of a source.',
};
export const CONNECTIONS: SourceMetric = {
  name: 'zocalo_source_connections',
  kind: 'gauge',
  help: 'Open connections of a source.',
};

/** What an operator sees of a source beside its health. */
export interface SourceDetails {
  readonly kind: 'database' | 'listen' | 'dial' | 'file' | 'mqtt' | 'push' | 'lines';
  /** An address without a password, a path, or a preset. */
  readonly place: string;
  /** What is wrong, or what was wrong last. */
  readonly message?: string | undefined;
  readonly failures: number;
  /** Since its start. */
  readonly frames?: number;
  readonly published?: number;
  readonly refused?: number;
}

/** One entry of the key `sources` while the daemon runs. To add a kind, write it in a file and add it to `Sources`. */
export interface Source {
  /** What only one source can have at a time. Another one with the same is started when this one is closed. */
  readonly place: string | undefined;
  /** Where it listens, with the actual port. */
  readonly addresses?: readonly string[];
  /**
   * Called once. What fails is told, and tried again: a source costs neither the others nor the daemon anything. A
   * promise resolves soon: when a port is open, or could not be opened.
   */
  start(): void | Promise<void>;
  /**
   * Takes no more. Resolves when what was taken is settled: then nothing more is published. Devices are waited for
   * `grace` milliseconds at most; what the log does not take by then was not answered. It may not have been started.
   */
  close(grace: number): Promise<void>;
  /** For `/health`, which everybody can read: no addresses, and of errors only the code. */
  health(): { readonly ok: boolean; readonly error: string | undefined; readonly [more: string]: unknown };
  /** For operators, who may see addresses and sentences of errors. */
  details(): SourceDetails;
  /** The devices that are here, and those that are remembered. */
  readonly devices?: readonly DeviceState[];
  /** Those whose value is known. */
  measures(): Iterable<readonly [SourceMetric, number]>;
}
