import { deflateRawSync } from 'node:zlib';
import {
  type Action,
  type Case,
  CLOSED_BY_PEER,
  type End,
  type Event,
  gotPong,
  gotText,
  PROTOCOL_ERROR,
  stillOpen,
} from '../case.ts';
import type { Negotiation } from '../deflate.ts';
import { CLOSE, close, type Frame, frame, more, PING, ping, text } from '../frame.ts';
import { MAX_MESSAGE } from '../under-test.ts';

/** What the original suite lacks. Groups 22 (closing), 23 (framing) and 26 (compressed data). */

const HOLA = 'Hola, plaza!';
const open = { fin: false };

const accepted = (id: string, title: string, frames: Frame[], expect: Event[], end = CLOSED_BY_PEER): Case => {
  return { id, title, script: [{ send: frames }], expect, end };
};
const refused = (id: string, title: string, frames: Frame[], ...codes: number[]): Case => {
  const end: End = { by: 'subject', codes: codes.length > 0 ? codes : [1002], exact: true, clean: false };
  return { id, title, script: [{ send: frames }], expect: [], end };
};

const exactly = (...codes: number[]): End => ({ by: 'peer', codes, exact: true, clean: true });
const GONE: End = { by: 'subject', codes: [], clean: false };

const ECHOED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999];
const REASON = `${'ñ'.repeat(61)}!`;

function closesItself(id: string, title: string, code: number, reason: string): Case {
  return {
    id,
    title,
    script: [],
    expect: [],
    end: { by: 'subject', codes: [code], exact: true, reason, clean: true },
    path: `/close?code=${code}&reason=${encodeURIComponent(reason)}`,
    client: { closeWith: [code, reason] },
  };
}

function hangsUp(id: string, title: string, how: 'end' | 'reset', before: Action[] = []): Case {
  return { id, title, script: [...before, { hangUp: how }], expect: [], end: GONE };
}

const closing: Case[] = [
  ...ECHOED.map((code, i) =>
    accepted(`22.1.${i + 1}`, `the code ${code} is answered with the same`, [close(code)], [], exactly(code)),
  ),
  ...[1, 1005, 1006, 1015].map((code, i) =>
    accepted(`22.2.${i + 1}`, `the code ${code} is answered with 1002`, [close(code)], [], exactly(1002)),
  ),
  closesItself('22.3.1', 'closes by itself with a code', 1000, ''),
  closesItself('22.3.2', 'closes by itself with a code of its own and a reason', 4001, 'the fair is over'),
  closesItself('22.3.3', 'closes by itself with the longest reason', 4002, REASON),
  hangsUp('22.4.1', 'the end without a Close', 'end'),
  hangsUp('22.4.2', 'the end within a header', 'end', [{ part: text('x'.repeat(300)), from: 0, to: 1 }]),
  hangsUp('22.4.3', 'the end within a message', 'end', [{ send: [text(HOLA, open)] }]),
  hangsUp('22.4.4', 'a reset', 'reset'),
  hangsUp('22.4.5', 'a reset within a message', 'reset', [{ send: [text(HOLA, open)] }]),
];

/** The subject must mask as the client and must not be masked to as the client: RFC 6455 §5.1. */
function wronglyMasked(id: string, title: string, make: (shape: { masked: boolean }) => Frame[]): Case[] {
  return [
    { ...refused(id, `${title}, not masked`, make({ masked: false })), roles: ['server'] },
    { ...refused(id, `${title}, masked`, make({ masked: true })), roles: ['client'] },
  ];
}

/** RFC 6455 §5.2 wants the shortest form; it does not say what becomes of another. */
function longForm(id: string, size: number, form: 16 | 64): Case {
  const payload = 'x'.repeat(size);
  return {
    ...refused(id, `a text of ${size} octets with a length in ${form} bits`, []),
    script: [{ send: [text(payload, { form })] }, { events: 1 }, { pause: 'it' }],
    nonStrict: [gotText(payload), stillOpen('it')],
    nonStrictEnd: CLOSED_BY_PEER,
  };
}

/** The header alone is wrong: nothing is gained by waiting for the payload. */
function atTheHeader(id: string, title: string, bad: Frame, before: Frame[] = [], end: End = PROTOCOL_ERROR): Case {
  const { payload } = bad;
  return {
    id,
    title: `${title}, told by the header alone`,
    script: [
      { send: before },
      { part: bad, from: 0, to: 1 },
      { pause: 'the header' },
      { part: bad, from: 1, to: payload.length },
    ],
    expect: [],
    nonStrict: [stillOpen('the header')],
    end,
  };
}

const TOO_BIG: End = { by: 'subject', codes: [1009], exact: true, clean: false };
const TOO_BIG_OR_WRONG: End = { ...TOO_BIG, codes: [1002, 1009] };
const announcing = (announced: bigint) => text('xx', { announced });
const KOSME = Buffer.from('κόσμε');
const pings = Array.from({ length: 1000 }, (_, i) => `${i}`);

const framing: Case[] = [
  ...wronglyMasked('23.1.1', 'a text', (shape) => [text(HOLA, shape)]),
  ...wronglyMasked('23.1.2', 'a ping', (shape) => [ping(HOLA, shape)]),
  ...wronglyMasked('23.1.3', 'an empty text', (shape) => [text('', shape)]),
  ...wronglyMasked('23.1.4', 'the second fragment', (shape) => [text(HOLA, open), more(HOLA, shape)]),
  ...[0, 1, 125].map((size, i) => longForm(`23.2.${i + 1}`, size, 16)),
  ...[0, 125, 126, 65535].map((size, i) => longForm(`23.2.${i + 4}`, size, 64)),
  refused('23.2.8', 'a ping with a length in 16 bits', [ping(HOLA, { form: 16 })]),
  atTheHeader('23.3.1', 'a length with its highest bit set', announcing(2n ** 63n), [], TOO_BIG_OR_WRONG),
  atTheHeader('23.3.2', 'the greatest length', announcing(2n ** 63n - 1n), [], TOO_BIG_OR_WRONG),
  atTheHeader('23.3.3', 'a message over the limit', announcing(BigInt(MAX_MESSAGE + 1)), [], TOO_BIG),
  atTheHeader(
    '23.3.4',
    'a fragment that takes the message over the limit',
    more('xx', { announced: BigInt(MAX_MESSAGE) }),
    [text('x', open)],
    TOO_BIG,
  ),
  atTheHeader('23.4.1', 'a reserved bit', text('xx', { rsv: 1 })),
  atTheHeader('23.4.2', 'a reserved opcode', frame(3, 'xx')),
  atTheHeader('23.4.3', 'a ping that is too long', ping('x'.repeat(126))),
  atTheHeader('23.4.4', 'a ping that is not final', ping('xx', open)),
  atTheHeader('23.4.5', 'a continuation of nothing', more('xx')),
  atTheHeader('23.4.6', 'a text within a text', text('xx'), [text('xx', open)]),
  atTheHeader('23.4.7', 'a Close that is too long', frame(CLOSE, Buffer.alloc(126, 1))),
  accepted(
    '23.5.1',
    'a ping after each of twenty fragments',
    [text('', open), ...pings.slice(0, 20).flatMap((each) => [more(each, open), ping(each)]), more('')],
    [...pings.slice(0, 20).map(gotPong), gotText(pings.slice(0, 20).join(''))],
  ),
  accepted(
    '23.5.2',
    'a thousand empty fragments',
    [text('', open), ...pings.map(() => more('', open)), more('x')],
    [gotText('x')],
  ),
  accepted(
    '23.5.3',
    'a ping within a character',
    [text(KOSME.subarray(0, 3), open), ping('x'), more(KOSME.subarray(3))],
    [gotPong('x'), gotText(KOSME)],
  ),
  refused(
    '23.5.4',
    'a text that ends within a character, in fragments',
    [text('x', open), more(KOSME.subarray(0, 3))],
    1007,
  ),
];

const PLAIN: Negotiation = {
  offer: 'permessage-deflate',
  accept: (offers) => (offers.length > 0 ? 'permessage-deflate' : undefined),
};
const hex = (octets: string) => Buffer.from(octets.replaceAll(' ', ''), 'hex');
const deflated = (octets: string, shape = {}) => text(hex(octets), { rsv: 4, ...shape });
const HELLO = 'f248cdc9c90700'; // this and most others are the examples of RFC 7692 §7.2.3
const hello = gotText('Hello');

const goodData: Case[] = [
  accepted('26.1.1', 'a message that is not compressed', [text(HOLA)], [gotText(HOLA)]),
  accepted('26.1.2', 'a compressed message', [deflated(HELLO)], [hello]),
  accepted(
    '26.1.3',
    'a message that refers to the one before',
    [deflated(HELLO), deflated('f200110000')],
    [hello, hello],
  ),
  accepted('26.1.4', 'a compressed message in fragments', [deflated('f248cd', open), more(hex('c9c90700'))], [hello]),
  accepted('26.1.5', 'a stored block', [deflated('00 0500 faff 48656c6c6f 00')], [hello]),
  accepted('26.1.6', 'a final block', [deflated('f348cdc9c9070000')], [hello]),
  accepted('26.1.7', 'two blocks', [deflated('f248050000 00ffff ca c9c90700')], [hello]),
  accepted('26.1.8', 'an empty message', [deflated('00')], [gotText('')]),
  accepted('26.1.9', 'a tail that was left on', [deflated(`${HELLO}0000ffff00`)], [hello]),
  accepted(
    '26.1.10',
    'a ping between compressed fragments',
    [deflated('f248cd', open), ping(HOLA), more(hex('c9c90700'))],
    [gotPong(HOLA), hello],
  ),
  accepted('26.1.11', 'an empty last fragment', [deflated(HELLO, open), more('')], [hello]),
  accepted(
    '26.1.12',
    'a plain message between two compressed',
    [deflated(HELLO), text(HOLA), deflated('f200110000')],
    [hello, gotText(HOLA), hello],
  ),
  accepted(
    '26.1.13',
    'two final blocks, a message each',
    [deflated('f348cdc9c9070000'), deflated('f348cdc9c9070000')],
    [hello, hello],
  ),
];

/** Stretches to a bit more than the limit: 64 KiB on the wire. */
const bomb = () => deflateRawSync(Buffer.alloc(MAX_MESSAGE + 1), { finishFlush: 2 });

const badData: Case[] = [
  refused('26.2.1', 'RSV1 on a continuation', [deflated('f248cd', open), more(hex('c9c90700'), { rsv: 4 })]),
  refused('26.2.2', 'RSV1 on a ping', [frame(PING, HOLA, { rsv: 4 })]),
  refused('26.2.3', 'RSV1 on a Close', [close(1000, '', { rsv: 4 })]),
  refused('26.2.4', 'RSV1 and RSV2', [deflated(HELLO, { rsv: 6 })]),
  refused('26.2.5', 'a block of the reserved type', [deflated('ffffffff')], 1002, 1007),
  refused('26.2.6', 'a stored block whose lengths do not agree', [deflated('00 0500 0000 48656c6c6f 00')], 1002, 1007),
  refused('26.2.7', 'a reference to before the beginning', [deflated('f200110000')], 1002, 1007),
  // RFC 7692 §7.2.2 does not say that the end of a message must be the end of a block.
  { ...refused('26.2.8', 'data cut within a block', [deflated('f248cd'), close(1000)]), informational: true },
  refused('26.2.9', 'text that is not UTF-8 once inflated', [deflated('00 0300 fcff eda080 00')], 1007),
  refused('26.2.10', 'text that ends within a character once inflated', [deflated('00 0100 feff ed 00')], 1007),
  {
    ...refused('26.3.1', 'a bomb', [], 1009),
    get script() {
      return [{ send: [text(bomb(), { rsv: 4 })] }];
    },
    patience: 60_000,
  },
  {
    ...refused('26.3.2', 'a bomb in fragments', [], 1009),
    get script() {
      const octets = bomb();
      const half = octets.length / 2;
      return [{ send: [text(octets.subarray(0, half), { rsv: 4, fin: false }), more(octets.subarray(half))] }];
    },
    patience: 60_000,
  },
];

export const beyond: Case[] = [
  ...closing,
  ...framing,
  ...[...goodData, ...badData].map((each) => Object.defineProperty(each, 'deflate', { value: PLAIN })),
];
