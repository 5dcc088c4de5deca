import type { Wire } from '../wire.ts';

/** A connection that does not get what it has published itself. */
export interface Excluded {
  readonly wire: Wire;
  /** Is called behind the publication that it did not get. */
  skip(channel: { readonly name: string; readonly number: number }, offset: number): void;
}
