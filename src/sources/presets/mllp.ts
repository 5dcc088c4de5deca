import type { Preset } from './preset.ts';

/** A report with an image in it has some hundred kilobytes. */
const LIMIT = 1_048_576;

const [START, END] = ['\x0b', '\x1c\r'];

/** HL7 version 2 by MLLP: `0B`, segments that end with CR, `1C 0D`. Each message is acknowledged, or comes again. */
export const mllp: Preset = {
  frame: { kind: 'enclosed', start: START, end: END, limit: LIMIT },
  reply(frame, now) {
    const header = frame.toString('latin1', 0, Math.min(frame.length, 1_024)).split('\r', 1)[0]!;
    if (!header.startsWith('MSH')) return undefined;
    const separator = header[3]!;
    const field = (number: number) => header.split(separator)[number - 1] ?? '';
    const [, trigger = ''] = field(9).split(field(2)[0] ?? '^');
    const component = field(2)[0] ?? '^';
    const time = now.toISOString().replaceAll(/[-:T]|\..*/g, '');
    const fields = [
      'MSH',
      field(2),
      // Who received is the sender now.
      field(5),
      field(6),
      field(3),
      field(4),
      time,
      '',
      trigger === '' ? 'ACK' : `ACK${component}${trigger}`,
      field(10),
      field(11),
      field(12),
    ];
    const answer = `${fields.join(separator)}\rMSA${separator}AA${separator}${field(10)}\r`;
    return Buffer.from(`${START}${answer}${END}`, 'latin1');
  },
};
