import { type Head, MeasuredFraming } from '../framing/index.ts';
import type { Preset } from './preset.ts';

/** Bytes before what the length counts. */
const BEFORE = 6;
/** Unit, and a PDU of at most 253 bytes. */
const LONGEST = 254;

/** The MBAP header of Modbus TCP: transaction u16, protocol u16 (0), length u16, unit u8; then the PDU. */
const head: Head = {
  length(bytes, start) {
    if (bytes.length - start < BEFORE) return 0;
    const length = bytes.readUInt16BE(start + 4);
    return bytes.readUInt16BE(start + 2) !== 0 || length < 2 || length > LONGEST ? -1 : BEFORE + length;
  },
  fill(content) {
    if (content.length < BEFORE) return;
    content.writeUInt16BE(0, 2);
    content.writeUInt16BE((content.length - BEFORE) & 0xffff, 4);
  },
};

/** Modbus over TCP. We ask and the device answers, so that there is nothing to reply. */
export const modbus: Preset = {
  frame: { kind: 'custom', framing: new MeasuredFraming(head), limit: BEFORE + LONGEST },
  decode: (frame) => ({
    transaction: frame.readUInt16BE(0),
    unit: frame[6]!,
    function: frame[7]! & 0x7f,
    failed: frame[7]! >= 0x80,
    data: frame.toString('hex', 8),
  }),
};
