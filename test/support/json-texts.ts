import fc from 'fast-check';

/** Mostly nothing: white space as RFC 8259 §2 has it. */
const blank = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), minLength: 1, maxLength: 3 }) },
);
const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength });

/** Of any length and size: RFC 8259 §6 sets no limits. */
export const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(
      fc.constant('0'),
      fc.tuple(fc.constantFrom(...'123456789'), digits(25)).map((parts) => parts.join('')),
    ),
    fc.option(digits(20), { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), digits(4)), { nil: undefined }),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${exponent?.join('') ?? ''}`,
  );

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: 4, maxLength: 4 });
/** A character, or one of the ways in which it can be escaped: halves of characters among them. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'Z', ' ', 'é', '{', '}', '[', ']', ',', ':', "'", '/', '\u007f') },
  { weight: 1, arbitrary: fc.constantFrom('\u2028', '\ufffd', '\ufeff', '😀', '\u00a0') },
  { weight: 2, arbitrary: fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t') },
  { weight: 1, arbitrary: hex.map((code) => `\\u${code}`) },
);
export const stringText = fc.array(piece, { maxLength: 40 }).map((pieces) => `"${pieces.join('')}"`);
/** Few, so that an object has members of the same name; and the ones that mean something elsewhere. */
const nameText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('"data"', '"\\u0064ata"', '"id"', '"__proto__"', '""', '"channel"') },
  { weight: 1, arbitrary: stringText },
);

const spaced = (text: fc.Arbitrary<string>) => fc.tuple(blank, text, blank).map((parts) => parts.join(''));

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false'),
    numberText,
    stringText,
    fc.array(spaced(tie('value')), { maxLength: 5 }).map((all) => `[${all.join()}]`),
    fc
      .array(fc.tuple(spaced(nameText), spaced(tie('value'))), { maxLength: 5 })
      .map((all) => `{${all.map((member) => member.join(':')).join()}}`),
  ),
}));

/** Any JSON text that RFC 8259 allows, up to a depth, with white space wherever it may stand. */
export const jsonText = spaced(value);

/** The same text without white space outside of its strings, in the plainest way. */
export function squeezed(text: string): string {
  return (text.match(/"(?:[^"\\]|\\.)*"|[^ \t\n\r"]+/g) ?? []).join('');
}
