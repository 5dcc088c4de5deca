import { notDecoded } from '../decoding/index.ts';
import { type Framing, NO_MARGINS } from '../framing/index.ts';
import type { Preset } from './preset.ts';

const NEWLINE = 10;
/** A length of up to six digits and the space behind it. */
const COUNT = /^[1-9]\d{0,5} /;

/** RFC 6587: octet counting (`12 <34>message`, §3.4.1) or a newline (§3.4.2), as each message begins. */
class SyslogFraming implements Framing {
  readonly resync = 'delimiter';
  readonly margins = NO_MARGINS;
  readonly overlap = 0;
  readonly endsWithStream = true;

  measure(bytes: Buffer, start: number, fresh: number): number {
    if (isDigit(bytes[start]!)) {
      const head = bytes.toString('latin1', start, start + 7);
      const count = COUNT.exec(head)?.[0];
      if (count !== undefined) return count.length + Number(count);
      if (head.length < 7 && /^[1-9]\d*$/.test(head)) return 0;
    }
    const at = bytes.indexOf(NEWLINE, fresh);
    return at < 0 ? 0 : at - start + 1;
  }

  content(bytes: Buffer, start: number, end: number): Buffer {
    if (isDigit(bytes[start]!)) {
      const count = COUNT.exec(bytes.toString('latin1', start, start + 7))?.[0];
      if (count !== undefined) return bytes.subarray(start + count.length, end);
    }
    const last = bytes[end - 2] === 13 ? end - 2 : end - 1;
    return bytes.subarray(start, Math.max(start, last));
  }

  wrap(content: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${content.length} `), content]);
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x31 && byte <= 0x39;
}

/** RFC 5424 §6, and RFC 3164, whose text is left as it is. */
const MESSAGE = /^<(\d{1,3})>(?:1 (\S+) (\S+) (\S+) (\S+) (\S+) )?(.*)$/s;

/** Syslog by TCP or TLS (RFC 6587, RFC 5425), or one message a datagram (RFC 5426). */
export const syslog: Preset = {
  frame: { kind: 'custom', framing: new SyslogFraming() },
  datagram: { kind: 'datagram' },
  decode(frame) {
    const [, priority, time, host, app, process, id, text] = MESSAGE.exec(frame.toString('utf8')) ?? [];
    if (priority === undefined || Number(priority) > 191)
      return notDecoded('a message of syslog begins with <0> to <191>');
    const header = { time, host, app, process, id };
    const known = Object.entries(header).filter(([, value]) => value !== undefined && value !== '-');
    return {
      facility: Number(priority) >> 3,
      severity: Number(priority) & 7,
      ...(Object.fromEntries(known) as Record<string, string>),
      message: text!,
    };
  },
};
