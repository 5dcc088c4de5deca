import { type Case, CLOSED_BY_PEER, type End, gotText } from '../case.ts';
import { CLOSE, close, type Frame, frame, more, ping, text } from '../frame.ts';

/** Group 7: the closing handshake, its codes and reasons. */

const BROKEN: End = { by: 'peer', codes: [1002], clean: false };
const HOLA = 'Hola, plaza!';

const closing = (id: string, title: string, frames: Frame[], end: End = CLOSED_BY_PEER): Case => {
  return { id, title, script: [{ send: frames }], expect: [], end };
};

const NOT_UTF8 = Buffer.concat([Buffer.from('κόσμε'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('edited')]);

const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

export const closingHandshake: Case[] = [
  { ...closing('7.1.1', 'a text, then a Close', [text(HOLA)]), expect: [gotText(HOLA)] },
  closing('7.1.2', 'two Closes', [close(1000), close()]),
  closing('7.1.3', 'a ping after the Close', [close(1000), ping()]),
  closing('7.1.4', 'a text after the Close', [close(1000), text(HOLA)]),
  closing('7.1.5', 'a Close within a message', [text('first ', { fin: false }), close(1000), more('second')]),
  {
    ...closing('7.1.6', 'a text of 256 KiB, a text, a Close, a ping', [
      text(Buffer.alloc(256 * 1024, 'BAzaar&jh2')),
      text(HOLA),
      close(1000),
      ping(),
    ]),
    informational: true,
  },
  closing('7.3.1', 'a Close without a code', [close()]),
  closing('7.3.2', 'a Close with half a code', [frame(CLOSE, 'a')], BROKEN),
  closing('7.3.3', 'a Close with a code', [close(1000)]),
  closing('7.3.4', 'a Close with a code and a reason', [close(1000, HOLA)]),
  closing('7.3.5', 'a Close with the longest reason', [close(1000, '*'.repeat(123))]),
  closing('7.3.6', 'a Close with a reason that is too long', [close(1000, '*'.repeat(124))], BROKEN),
  closing('7.5.1', 'a Close with a reason that is not UTF-8', [close(1000, NOT_UTF8)], {
    ...BROKEN,
    codes: [1002, 1007],
  }),
  ...VALID.map((code, i) =>
    closing(`7.7.${i + 1}`, `a Close with the code ${code}`, [close(code)], { ...CLOSED_BY_PEER, codes: [1000, code] }),
  ),
  ...INVALID.map((code, i) => closing(`7.9.${i + 1}`, `a Close with the bad code ${code}`, [close(code)], BROKEN)),
  ...[5000, 65535].map((code, i): Case => {
    return { ...closing(`7.13.${i + 1}`, `a Close with the code ${code}`, [close(code)], BROKEN), informational: true };
  }),
];
