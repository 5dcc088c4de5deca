import { notDecoded } from '../decoding/index.ts';
import type { HttpCall, HttpPreset, HttpTopic } from './preset.ts';

/** Tables whose lines are records; the others are what the device says of itself. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  ATTLOG: ['user', 'time', 'status', 'verify', 'work'],
};
const SERIAL = /^[\w-]{1,64}$/;

/** What the device is told when it has started: to send records as they happen, and to ask every ten seconds. */
const OPTIONS = [
  'ErrorDelay=30',
  'Delay=10',
  'TransTimes=00:00;12:00',
  'TransInterval=1',
  'TransFlag=TransData AttLog',
];

const CALLS: Readonly<Record<string, HttpTopic>> = {
  'GET cdata': 'hello',
  'POST cdata': 'records',
  'GET getrequest': 'commands',
  'POST devicecmd': 'results',
  'GET ping': 'other',
  'POST fdata': 'other', // photographs
};

function tableOf(query: URLSearchParams): string {
  return query.get('table')?.toUpperCase() ?? '';
}

/** Time clocks of ZKTeco that push by plain HTTP (ADMS). They send again what is not answered with OK. */
export const zktecoPush: HttpPreset = {
  path: '/iclock/',
  deviceOf({ query }) {
    const serial = query.get('SN') ?? '';
    return SERIAL.test(serial) ? serial : undefined;
  },
  topicOf({ method, path, query }: HttpCall) {
    const topic = CALLS[`${method} ${path.slice('/iclock/'.length).replace(/\.aspx$/, '')}`];
    return topic === 'records' && !query.has('table') ? 'other' : topic;
  },
  // ATTLOGStamp=None: the device knows itself what was not answered yet.
  hello: (device) =>
    [`GET OPTION FROM: ${device}`, 'ATTLOGStamp=None', ...OPTIONS, 'Realtime=1', 'Encrypt=None'].join('\n'),
  decode(query, body) {
    const columns = COLUMNS[tableOf(query)];
    if (!columns) return [];
    const device = query.get('SN') ?? '';
    const lines = body.split(/\r?\n/).filter((line) => line.trim() !== '');
    return lines.map((line) => {
      const values = line.split('\t').map((value) => value.trim());
      const record = Object.fromEntries(columns.map((name, index) => [name, values[index] ?? '']));
      if (!record.user || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(record.time ?? ''))
        return notDecoded(`${JSON.stringify(line.slice(0, 60))} is not an attendance record`);
      return { device, ...record };
    });
  },
  reply: (query, stored) => (tableOf(query) in COLUMNS ? `OK: ${stored}` : 'OK'),
  commands: (commands) => (commands.length === 0 ? 'OK' : commands.map(({ id, text }) => `C:${id}:${text}\n`).join('')),
  resultsOf(body) {
    const lines = body.split(/\r?\n/).map((line) => new URLSearchParams(line));
    return lines
      .filter((line) => /^\d{1,15}$/.test(line.get('ID') ?? ''))
      .map((line) => {
        const code = line.get('Return') ?? '0';
        const hasFailed = code.startsWith('-');
        return { id: Number(line.get('ID')), failure: hasFailed ? `it answered ${code}` : undefined };
      });
  },
};
