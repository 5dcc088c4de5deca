import type { Wire } from '../wire.ts';

/** A connection that does not get its own publication. */
export interface Excluded {
  readonly wire: Wire;
  /** Called after the publication that it did not get. */
  skip(channel: { readonly name: string; readonly number: number }, offset: number): void;
}
