import { type Action, type Case, CLOSED_BY_PEER, gotText, INVALID_PAYLOAD, stillOpen } from '../case.ts';
import { type Frame, fragments, more, text } from '../frame.ts';

/** Group 6: text that is UTF-8, and text that is not, told at the earliest octet. */

const hex = (octets: string) => Buffer.from(octets.replaceAll(' ', ''), 'hex');

const valid = (id: string, title: string, frames: Frame[]): Case => {
  const whole = Buffer.concat(frames.map((frame) => frame.payload));
  return { id, title, script: [{ send: frames }], expect: [gotText(whole)], end: CLOSED_BY_PEER };
};
const invalid = (id: string, title: string, frames: Frame[]): Case => {
  return { id, title, script: [{ send: frames }], expect: [], end: INVALID_PAYLOAD };
};

const open = { fin: false };
const SQUARE = Buffer.from('Zócalo: µ@ßöäüàá, 1 € a lap');
const KOSME = hex('ceba e1bdb9 cf83 cebc ceb5');
const SURROGATE = Buffer.concat([KOSME, hex('eda080'), Buffer.from('edited')]);

const fragmented: Case[] = [
  valid('6.1.1', 'an empty text', [text('')]),
  valid('6.1.2', 'an empty text in three fragments', [text('', open), more('', open), more('')]),
  valid('6.1.3', 'a text between two empty fragments', [text('', open), more('the middle', open), more('')]),
  valid('6.2.1', 'a text with characters of two and three octets', [text(SQUARE)]),
  valid('6.2.2', 'the same, cut between two characters', [text('Zócalo: µ@ßöä', open), more('üàá, 1 € a lap')]),
  valid('6.2.3', 'the same, in fragments of one octet', fragments(text(SQUARE), 1)),
  valid('6.2.4', 'a Greek word in fragments of one octet', fragments(text(KOSME), 1)),
  invalid('6.3.1', 'a surrogate within a text', [text(SURROGATE)]),
  invalid('6.3.2', 'a surrogate within a text in fragments of one octet', fragments(text(SURROGATE), 1)),
];

/** Beyond U+10FFFF: the first octet may begin a character, with the second none can come of it. */
const BEYOND = Buffer.concat([KOSME, hex('f4908080'), Buffer.from('edited')]);

function failFast(id: string, title: string, cuts: [number, number], inOneFrame: boolean): Case {
  const [a, b] = cuts;
  const frames = [
    text(BEYOND.subarray(0, a), open),
    more(BEYOND.subarray(a, b), open),
    more(BEYOND.subarray(b)),
  ] as const;
  const parts: Action[] = inOneFrame
    ? [part(0, a), part(a, b), part(b, BEYOND.length)]
    : frames.map((frame) => ({ send: [frame] }));
  return {
    id,
    title,
    script: [parts[0]!, { pause: 'the first part', turns: 20 }, parts[1]!, { pause: 'the second part' }, parts[2]!],
    expect: [stillOpen('the first part')],
    nonStrict: [stillOpen('the first part'), stillOpen('the second part')],
    end: INVALID_PAYLOAD,
  };
}

const part = (from: number, to: number): Action => ({ part: text(BEYOND), from, to });

const incremental: Case[] = [
  failFast('6.4.1', 'the second of three fragments holds the invalid character', [11, 15], false),
  failFast('6.4.2', 'the second of three fragments is the octet that makes it invalid', [12, 13], false),
  failFast('6.4.3', 'the same character, in three chops of one frame', [11, 15], true),
  failFast('6.4.4', 'the same octet, in three chops of one frame', [12, 13], true),
];

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const lonely = (from: number, to: number) => Buffer.from(range(from, to).flatMap((octet) => [octet, 0x20]));

const INCOMPLETE = ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'];

/** All U+nFFFE and U+nFFFF. */
const nonCharacters = range(0, 17).flatMap((plane) =>
  [0xfffe, 0xffff].map((low) => Buffer.from(String.fromCodePoint(plane * 0x10000 + low))),
);

const all = (octets: string[]) => octets.map(hex);
const pairs = (firsts: string[], seconds: string[]) => firsts.flatMap((a) => seconds.map((b) => hex(a + b)));

/** The stress test of Markus Kuhn, by its sections. An entry is valid or not by the section, except where it is a pair. */
const SEQUENCES: [title: string, entries: (Buffer | [Buffer, boolean])[], valid: boolean][] = [
  ['valid text', [...['$', '¢', '€', '𤭢'].map((sign) => Buffer.from(`hello${sign}world`)), KOSME], true],
  // a prefix is valid where it ends between two characters
  [
    'a prefix of a Greek word',
    range(1, 12).map((end): [Buffer, boolean] => [KOSME.subarray(0, end), [2, 5, 7, 9, 11].includes(end)]),
    true,
  ],
  ['the first character of a length', all(['00', 'c280', 'e0a080', 'f0908080']), true],
  ['the first of five and six octets', all(['f888808080', 'fc8480808080']), false],
  ['the last character of a length', all(['7f', 'dfbf', 'efbfbf', 'f48fbfbf']), true],
  ['the last of four, five and six octets', all(['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']), false],
  ['a boundary', [...all(['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf']), [hex('f4908080'), false]], true],
  [
    'unexpected continuation octets',
    [...all(['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf']), Buffer.from(range(0x80, 0xbf))],
    false,
  ],
  [
    'lonely start octets',
    [lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd)],
    false,
  ],
  ['a missing last octet', all(INCOMPLETE), false],
  ['many missing last octets', [hex(INCOMPLETE.join(''))], false],
  ['impossible octets', all(['fe', 'ff', 'fefeffff']), false],
  ['an overlong solidus', all(['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']), false],
  ['the longest overlong', all(['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']), false],
  ['an overlong NUL', all(['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']), false],
  ['a lone surrogate', all(['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']), false],
  ['a pair of surrogates', pairs(['eda080', 'edadbf', 'edae80', 'edafbf'], ['edb080', 'edbfbf']), false],
  ['a non-character', nonCharacters, true],
  ['a special', range(0xfff9, 0x10000).map((code) => Buffer.from(String.fromCodePoint(code))), true],
];

export const utf8: Case[] = [
  ...fragmented,
  ...incremental,
  ...SEQUENCES.flatMap(([title, entries, byDefault], section) =>
    entries.map((entry, i) => {
      const [payload, isValid] = Array.isArray(entry) ? entry : [entry, byDefault];
      const name = `${title}: ${payload.subarray(0, 12).toString('hex')}`;
      return (isValid ? valid : invalid)(`6.${section + 5}.${i + 1}`, name, [text(payload)]);
    }),
  ),
];
