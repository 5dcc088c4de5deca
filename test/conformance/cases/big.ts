import { type Case, CLOSED_BY_PEER, gotBinary, gotText } from '../case.ts';
import { binary, fragments, text } from '../frame.ts';

/** Group 9: big messages, whole, in fragments and in chops, and many small ones. */

const KINDS = [
  { name: 'text', make: text, got: gotText, filler: 'BAzaar&jh2' },
  { name: 'binary', make: binary, got: gotBinary, filler: '\x00\xfe#\xfa\xf0' },
];

const KIB = 1024;
const SIZES = [64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB, 8192 * KIB, 16384 * KIB];
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB];
const CHOPS = [64, 128, 256, 512, 1024, 2048];
const RALLIES = [0, 16, 64, 256, 1024, 4096];

const patience = 60_000;
const inTerms = (size: number) => (size % KIB === 0 && size > 0 ? `${size / KIB} KiB` : `${size} octets`);

/** Made when the case begins and let go when it ends: together they would hold hundreds of megabytes. */
function lazily(id: string, title: string, make: () => Pick<Case, 'script' | 'expect'>): Case {
  let made: Pick<Case, 'script' | 'expect'> | undefined;
  const parts = () => {
    made ??= make();
    return made;
  };
  return {
    id,
    title,
    patience,
    end: CLOSED_BY_PEER,
    get script() {
      return parts().script;
    },
    get expect() {
      return parts().expect;
    },
  };
}

export const big: Case[] = KINDS.flatMap(({ name, make, got, filler }, kind) => {
  const group = (first: number) => `9.${first + kind}`;
  const filled = (size: number) => Buffer.alloc(size, filler, 'latin1');
  return [
    ...SIZES.map((size, i) =>
      lazily(`${group(1)}.${i + 1}`, `a ${name} message of ${inTerms(size)}`, () => {
        const payload = filled(size);
        return { script: [{ send: [make(payload)] }], expect: [got(payload)] };
      }),
    ),
    ...FRAGMENTS.map((size, i) =>
      lazily(`${group(3)}.${i + 1}`, `4 MiB of ${name} in fragments of ${inTerms(size)}`, () => {
        const payload = filled(4096 * KIB);
        return { script: [{ send: fragments(make(payload), size) }], expect: [got(payload)] };
      }),
    ),
    ...CHOPS.map((chop, i) =>
      lazily(`${group(5)}.${i + 1}`, `1 MiB of ${name} in chops of ${inTerms(chop)}`, () => {
        const payload = filled(1024 * KIB);
        return { script: [{ send: [make(payload)], chop }], expect: [got(payload)] };
      }),
    ),
    ...RALLIES.map((size, i): Case => {
      const message = make(filled(size));
      return {
        id: `${group(7)}.${i + 1}`,
        title: `1000 ${name} messages of ${inTerms(size)}, one after the other`,
        script: [{ rally: 1000, message: () => message }],
        expect: [],
        end: CLOSED_BY_PEER,
        patience,
      };
    }),
  ];
});
