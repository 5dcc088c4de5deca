import type { ZocaloError } from '../errors.ts';

/** How rows get on that go out of a database, or into one. */
export interface RowStatus {
  /** Undefined while all is well. */
  readonly error: ZocaloError | undefined;
  /** How many wait; undefined until they were counted. */
  readonly waiting: number | undefined;
  /** How many were set aside with an error. */
  readonly aside: number | undefined;
  /** Milliseconds that the oldest of them has waited. */
  readonly lag: number | undefined;
}

/** For `/health`, which everybody can read: no addresses, and of errors only the code. The lag is in seconds. */
export function rowHealth({ error, waiting, lag, aside }: RowStatus) {
  return { ok: error === undefined, error: error?.code, waiting, lag: seconds(lag), aside };
}

/** Of milliseconds. */
export function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
