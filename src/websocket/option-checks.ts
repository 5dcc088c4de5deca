import { LONGEST_TIMER } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { checkNames } from '../option-names.ts';

type Range = readonly [least: number, most: number];
const COUNT: Range = [1, Number.MAX_SAFE_INTEGER];
const TIME: Range = [1, LONGEST_TIMER];
const TIME_OR_NEVER: Range = [0, LONGEST_TIMER];

/** The range of each numeric option. */
const RANGES: Readonly<Record<string, Range>> = {
  maxMessage: COUNT,
  maxFrame: COUNT,
  maxFragments: COUNT,
  maxControlFrames: COUNT,
  highWaterMark: [0, Number.MAX_SAFE_INTEGER],
  queueLimit: [0, Number.MAX_SAFE_INTEGER],
  pingInterval: TIME_OR_NEVER,
  pongTimeout: TIME,
  idleTimeout: TIME_OR_NEVER,
  closeTimeout: TIME,
  maxConnections: COUNT,
  handshakeTimeout: TIME,
  requestTimeout: TIME_OR_NEVER,
  keepAliveTimeout: TIME,
  timeout: TIME_OR_NEVER,
  backlog: COUNT,
  threshold: [0, Number.MAX_SAFE_INTEGER],
  level: [1, 9],
  windowBits: [9, 15],
};

/** The options that are not numeric. */
const OTHERS = [
  ...['queuePolicy', 'compression', 'contextTakeover'],
  ...['origins', 'hosts', 'protocols', 'tls', 'clientAddress', 'admitSocket', 'admitRequest', 'onRequest', 'clock'],
  ...['headers', 'signal'],
];
const NAMES = { ...RANGES, ...Object.fromEntries(OTHERS.map((name) => [name, true])) };

/**
 * Refuses options that would fail later in another place, or have no effect.
 * @throws ZocaloError BAD_OPTION for an unknown name, or a number that is invalid or out of its range.
 */
export function checkOptions(options: object): void {
  checkNames(options, NAMES, 'of a WebSocket');
  for (const [name, value] of Object.entries(options)) {
    const range = RANGES[name];
    if (!range || value === undefined) continue;
    const [least, most] = range;
    if (typeof value === 'number' && value >= least && value <= most) continue;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new ZocaloError('BAD_OPTION', `the option ${name} cannot be ${value}`, { advice: `use a number ${bounds}` });
  }
}
