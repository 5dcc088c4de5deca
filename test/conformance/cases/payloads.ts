/** Made-up data of five kinds, the same on every run, for the compression to chew on. */

/** Numbers from 0 up to 1 that look random: Marsaglia's xorshift with 32 bits. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 2 ** 32;
  }
}

function chance(seed: number): (below: number) => number {
  const source = numbers(seed);
  return (below) => Math.floor(source.next().value * below);
}

const SIZE = 200_000;
const SYLLABLES = [
  'pla',
  'za',
  'ti',
  'cal',
  'mer',
  'cá',
  'do',
  'ñan',
  'que',
  'ro',
  'lu',
  'sé',
  'gran',
  'te',
  'voz',
  'ur',
];

/** Words of which few are frequent and most are rare, as in any language. */
function word(below: (n: number) => number): string {
  const length = 1 + below(4);
  const few = below(3) > 0 ? 4 : SYLLABLES.length;
  return Array.from({ length }, () => SYLLABLES[below(few)]).join('');
}

function repeatText(piece: () => string): string {
  const pieces: string[] = [];
  for (let size = 0; size < SIZE; ) {
    const next = piece();
    pieces.push(next);
    size += next.length;
  }
  return pieces.join('').slice(0, SIZE);
}

function json(): string {
  const below = chance(1);
  let id = 0;
  return repeatText(() => {
    const tags = [word(below), word(below)];
    return `${JSON.stringify({ id: id++, name: word(below), at: below(1e9), price: below(1e5) / 100, tags })},\n`;
  });
}

function markup(): string {
  const below = chance(2);
  const tags = ['p', 'li', 'span class="stall"', 'td', 'h2'];
  return repeatText(() => {
    const tag = tags[below(tags.length)]!;
    return `<${tag}>${word(below)} ${word(below)}</${tag.split(' ')[0]}>\n`;
  });
}

function prose(): Buffer {
  const below = chance(3);
  return Buffer.from(repeatText(() => word(below) + (below(9) === 0 ? '.\n' : ' ')));
}

/** A grey picture: smooth, with some noise. */
function picture(): Buffer {
  const below = chance(4);
  return Buffer.from(
    Array.from({ length: SIZE }, (_, i) => 128 + 90 * Math.sin(i / 512 / 40) * Math.cos((i % 512) / 60) + below(8)),
  );
}

/** Mostly noise, as in a file that is compressed already. */
function noise(): Buffer {
  const below = chance(5);
  return Buffer.from(Array.from({ length: SIZE }, (_, i) => (i % 4096 < 256 ? 32 : below(256))));
}

export interface Payload {
  name: string;
  isText: boolean;
  /** The slice of so many characters or octets at this place; goes on at the beginning after the end. */
  slice(from: number, length: number): string | Buffer;
}

function payload(name: string, make: () => string | Buffer): Payload {
  let data: string | Buffer | undefined;
  return {
    name,
    isText: name === 'JSON' || name === 'markup',
    slice(from, length) {
      data ??= make();
      const start = from % data.length;
      if (typeof data === 'string')
        return data.slice(start, start + length) + data.slice(0, Math.max(0, start + length - data.length));
      return Buffer.concat([
        data.subarray(start, start + length),
        data.subarray(0, Math.max(0, start + length - data.length)),
      ]);
    },
  };
}

/** In the order of the groups 12.1 to 12.5. */
export const PAYLOADS: Payload[] = [
  payload('JSON', json),
  payload('a picture', picture),
  payload('prose', prose),
  payload('markup', markup),
  payload('noise', noise),
];
