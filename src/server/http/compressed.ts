import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { Coding } from './content-coding.ts';

const COMPRESS: Readonly<Record<Exclude<Coding, 'identity'>, (body: Buffer) => Promise<Buffer>>> = {
  br: promisify(brotliCompress), // its highest quality by default: it is done once
  gzip: (body) => promisify(gzip)(body, { level: 9 }),
};

/** A body that does not change, compressed at the first request for each coding. */
export class Compressed {
  readonly #body: Buffer;
  readonly #made = new Map<Coding, Promise<Buffer>>();

  constructor(body: Buffer) {
    this.#body = body;
  }

  as(coding: Coding): Promise<Buffer> | Buffer {
    if (coding === 'identity') return this.#body;
    let made = this.#made.get(coding);
    if (!made) {
      made = COMPRESS[coding](this.#body);
      this.#made.set(coding, made);
      made.catch(() => this.#made.delete(coding));
    }
    return made;
  }
}
