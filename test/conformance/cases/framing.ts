import {
  type Action,
  type Case,
  CLOSED_BY_PEER,
  type Event,
  gotBinary,
  gotPong,
  gotText,
  PROTOCOL_ERROR,
} from '../case.ts';
import { binary, type Frame, fragments, frame, more, ping, pong, text } from '../frame.ts';

/** Groups 1 to 5 and 10: lengths, pings, reserved bits, opcodes and fragments. */

type Chop = number | 'frame';

const LENGTHS = [0, 125, 126, 127, 128, 65535, 65536];
const HOLA = 'Hola, plaza!';
const OCTETS = Buffer.from('00fffefdfcfb00ff', 'hex');

const chopped = (chop?: Chop) => (chop === 1 ? ', octet by octet' : chop === 'frame' ? ', frame by frame' : '');
const send = (frames: Frame[], chop?: Chop): Action => (chop === undefined ? { send: frames } : { send: frames, chop });

function accepted(id: string, title: string, frames: Frame[], expect: Event[], chop?: Chop): Case {
  return { id, title: title + chopped(chop), script: [send(frames, chop)], expect, end: CLOSED_BY_PEER };
}

function refused(id: string, title: string, frames: Frame[], chop?: Chop, expect: Event[] = []): Case {
  const scenario: Case = {
    id,
    title: title + chopped(chop),
    script: [send(frames, chop)],
    expect,
    end: PROTOCOL_ERROR,
  };
  return expect.length > 0 ? { ...scenario, nonStrict: [] } : scenario;
}

function lengths(group: string, make: typeof text, got: typeof gotText, filler: string): Case[] {
  const whole = LENGTHS.map((length, i) => {
    const payload = Buffer.alloc(length, filler, 'latin1');
    return accepted(`${group}.${i + 1}`, `a message of ${length} octets`, [make(payload)], [got(payload)]);
  });
  const payload = Buffer.alloc(65536, filler, 'latin1');
  const title = 'a message of 65536 octets in chops of 997';
  return [...whole, accepted(`${group}.8`, title, [make(payload)], [got(payload)], 997)];
}

const pings = Array.from({ length: 10 }, (_, i) => `ping number ${i}`);

const control: Case[] = [
  accepted('2.1', 'a ping without payload', [ping()], [gotPong()]),
  accepted('2.2', 'a ping with text', [ping(HOLA)], [gotPong(HOLA)]),
  accepted('2.3', 'a ping with octets that are no text', [ping(OCTETS)], [gotPong(OCTETS)]),
  accepted('2.4', 'a ping of 125 octets', [ping(Buffer.alloc(125, 0xfe))], [gotPong(Buffer.alloc(125, 0xfe))]),
  refused('2.5', 'a ping of 126 octets', [ping(Buffer.alloc(126, 0xfe))]),
  accepted('2.6', 'a ping of 125 octets', [ping(Buffer.alloc(125, 0xfe))], [gotPong(Buffer.alloc(125, 0xfe))], 1),
  accepted('2.7', 'a pong that nobody asked for', [pong()], []),
  accepted('2.8', 'a pong with payload that nobody asked for', [pong('nobody asked')], []),
  accepted('2.9', 'a pong that nobody asked for, then a ping', [pong('nobody asked'), ping(HOLA)], [gotPong(HOLA)]),
  accepted(
    '2.10',
    'ten pings',
    pings.map((each) => ping(each)),
    pings.map(gotPong),
  ),
  accepted(
    '2.11',
    'ten pings',
    pings.map((each) => ping(each)),
    pings.map(gotPong),
    1,
  ),
];

const afterText = (id: string, title: string, bad: Frame, chop?: Chop) =>
  refused(id, `a text, then ${title}, then a ping`, [text(HOLA), bad, ping()], chop, [gotText(HOLA)]);

const reserved: Case[] = [
  refused('3.1', 'a text with RSV3', [text(HOLA, { rsv: 1 })]),
  afterText('3.2', 'a text with RSV2', text(HOLA, { rsv: 2 })),
  afterText('3.3', 'a text with RSV2 and RSV3', text(HOLA, { rsv: 3 }), 'frame'),
  afterText('3.4', 'a text with RSV1', text(HOLA, { rsv: 4 }), 1),
  refused('3.5', 'a binary message with RSV1 and RSV3', [binary(OCTETS, { rsv: 5 })]),
  refused('3.6', 'a ping with RSV1 and RSV2', [ping(HOLA, { rsv: 6 })]),
  refused('3.7', 'a Close with all three reserved bits', [frame(8, '', { rsv: 7 })]),
  ...[3, 11].flatMap((opcode, i) => {
    const id = (n: number) => `4.${i + 1}.${n}`;
    return [
      refused(id(1), `the opcode ${opcode}`, [frame(opcode)]),
      refused(id(2), `the opcode ${opcode + 1} with payload`, [frame(opcode + 1, 'reserved')]),
      afterText(id(3), `the opcode ${opcode + 2}`, frame(opcode + 2)),
      afterText(id(4), `the opcode ${opcode + 3} with payload`, frame(opcode + 3, HOLA)),
      afterText(id(5), `the opcode ${opcode + 4} with payload`, frame(opcode + 4, HOLA), 1),
    ];
  }),
];

const open = { fin: false };
const TWO = [text('first ', open), more('second')];
const TWO_AND_PING = [text('first ', open), ping('between'), more('second')];
const BOTH = gotText('first second');
const CHOPS: (Chop | undefined)[] = [undefined, 'frame', 1];
const STRAY = 'a continuation of nothing';

const fragmented: Case[] = [
  refused('5.1', 'a ping in two fragments', [ping('first ', open), more('second')]),
  refused('5.2', 'a pong in two fragments', [pong('first ', open), more('second')]),
  ...CHOPS.map((chop, i) => accepted(`5.${3 + i}`, 'a text in two fragments', TWO, [BOTH], chop)),
  ...CHOPS.map((chop, i) =>
    accepted(`5.${6 + i}`, 'a ping between two fragments', TWO_AND_PING, [gotPong('between'), BOTH], chop),
  ),
  ...CHOPS.map((chop, i) => refused(`5.${9 + i}`, `${STRAY}, final, then a text`, [more('stray'), text(HOLA)], chop)),
  ...CHOPS.map((chop, i) =>
    refused(`5.${12 + i}`, `${STRAY}, not final, then a text`, [more('stray', open), text(HOLA)], chop),
  ),
  refused('5.15', `a text in two fragments, then ${STRAY}`, [...TWO, more('stray', open), text(HOLA)], undefined, [
    BOTH,
  ]),
  refused('5.16', `twice: ${STRAY}, not final, and a text in two fragments`, twice(more('stray', open), ...TWO)),
  refused('5.17', `twice: ${STRAY}, final, and a text in two fragments`, twice(more('stray'), ...TWO)),
  refused('5.18', 'a text within a text', [text('first ', open), text('second')]),
  ...[undefined, 'frame' as const].map((chop, i) => slowly(`5.${19 + i}`, chop)),
];

function twice(...frames: Frame[]): Frame[] {
  return [...frames, ...frames];
}

function slowly(id: string, chop?: Chop): Case {
  const one = [text('1', open), more('2', open), ping('ping 1')];
  const two = [more('3', open), more('4', open), ping('ping 2'), more('5')];
  return {
    id,
    title: `five fragments with two pings between, answered before the message is whole${chopped(chop)}`,
    script: [send(one, chop), { events: 1 }, send(two, chop)],
    expect: [gotPong('ping 1'), gotPong('ping 2'), gotText('12345')],
    end: CLOSED_BY_PEER,
  };
}

const long = Buffer.alloc(65536, '*');

export const framing: Case[] = [
  ...lengths('1.1', text, gotText, '*'),
  ...lengths('1.2', binary, gotBinary, '\xfe'),
  ...control,
  ...reserved,
  ...fragmented,
  accepted('10.1.1', 'a text of 65536 octets in fragments of 1300', fragments(text(long), 1300), [gotText(long)]),
];
