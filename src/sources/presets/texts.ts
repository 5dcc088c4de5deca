import { notDecoded } from '../decoding/index.ts';
import type { Preset } from './preset.ts';

/** Text between STX and ETX: scales, scanners, access control. */
export const stxEtx: Preset = { frame: { kind: 'enclosed', start: '\x02', end: '\x03' } };

/** `$GPGGA,…*47`: checked between the start and the star, which stay. */
export const nmea: Preset = {
  frame: {
    kind: 'enclosed',
    start: ['$', '!'],
    end: '\r\n',
    check: { algorithm: 'xor', to: -5, as: 'hex' },
    strip: { start: 0, end: 2 },
    limit: 1_024,
  },
  decode(frame) {
    const [address = '', ...fields] = frame.toString('latin1', 1, frame.length - 3).split(',');
    // Sentences of a maker's own begin with P.
    const length = address.startsWith('P') ? 1 : 2;
    return { talker: address.slice(0, length), type: address.slice(length), fields };
  },
};

/** `name:value|type|@rate|#tag:a,tag:b`: a line each, several in a datagram. */
export const statsd: Preset = {
  frame: { kind: 'lines' },
  datagram: { kind: 'datagram', each: { kind: 'lines' } },
  decode(frame) {
    const text = frame.toString('utf8');
    const parts = /^([^:|]+):([^:|]+)\|(\w+)(?:\|@([\d.]+))?(?:\|#(.*))?$/.exec(text);
    if (!parts) return notDecoded(`${JSON.stringify(text.slice(0, 60))} is not a StatsD metric`);
    const [, name, value, type, rate, tags] = parts;
    const number = Number(value);
    return {
      name: name!,
      // A set counts different texts, and a sign makes a gauge move by the value.
      value: type === 's' || Number.isNaN(number) || /^[+-]/.test(value!) ? value! : number,
      type: type!,
      ...(rate !== undefined && { rate: Number(rate) }),
      ...(tags !== undefined && { tags: tags.split(',') }),
    };
  },
};
