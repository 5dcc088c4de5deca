import { parseJson, writtenBytes } from '../protocol/index.ts';

/** How a client reads and writes bytes. */
export interface Bytes {
  parse(json: string): unknown;
  /** The value with each `Uint8Array` in it replaced by the JSON that stands for it. */
  written?(value: unknown): unknown;
}

/**
 * For the option `bytes`: what is published, called with and received may be a `Uint8Array`, or have some in it. It is
 * imported by itself, so that pages without bytes do not load it.
 *
 * @example
 * const client = new Client(url, { bytes });
 * await client.publish('camera', new Uint8Array(await blob.arrayBuffer()));
 */
export const bytes: Bytes = { parse: parseJson, written: writtenBytes };
