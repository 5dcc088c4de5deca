import type { ServerBench } from '../benches.ts';
import type { Verdict } from '../case.ts';
import type { Probe } from '../conformance.ts';
import { Deflate, type Parameters, parseExtensions, parseParameters } from '../deflate.ts';
import * as http from '../handshake.ts';
import { RawPeer } from '../raw-peer.ts';
import { ask, failed, good, rally, rejects, takes } from './handshake.ts';

/** Groups 24 and 25: the parameters of permessage-deflate (RFC 7692 §7.1), offered to a server and answered to a client. */

const EXTENSIONS = 'Sec-WebSocket-Extensions';
const DEFLATE = 'permessage-deflate';

/** What is wrong with the answer, in words. */
type Check = (answer: Parameters) => string | false | undefined;

const atMost = (name: 'server_max_window_bits' | 'client_max_window_bits', bits: number) => (answer: Parameters) =>
  !(Number(answer[name] ?? 15) <= bits) && `${name} is ${answer[name] ?? 'absent'}`;
const absent = (name: keyof Parameters) => (answer: Parameters) => answer[name] !== undefined && `${name} is there`;
const present = (name: keyof Parameters) => (answer: Parameters) => !answer[name] && `${name} is absent`;

/** Sends the offer; `judge` sees the answer's extension, undefined when it has none. */
function offers(
  id: string,
  title: string,
  offer: string | string[],
  judge: (answer: Parameters | undefined) => string | false | undefined,
): Probe<ServerBench> {
  return {
    id,
    title,
    role: 'server',
    async probe(bench): Promise<Verdict> {
      const { socket, head } = await ask(bench, { octets: http.request({ [EXTENSIONS]: offer }) });
      try {
        const wrong = http.wrongWithResponse(head);
        if (wrong) return failed(wrong);
        const answers = parseExtensions(http.field(head!, EXTENSIONS.toLowerCase()));
        if (answers.length > 1 || (answers[0] && answers[0][0] !== DEFLATE))
          return failed('an extension out of nowhere');
        const answer = answers[0] && parseParameters(answers[0][1], false);
        const why = judge(answer);
        if (why) return failed(why);
        return await rally(new RawPeer(socket, 'client', answer && new Deflate(answer, 'client')).start(head!.rest));
      } catch (error) {
        return failed((error as Error).message);
      } finally {
        socket.destroy();
      }
    },
  };
}

const accepts = (id: string, offer: string | string[], ...checks: Check[]) =>
  offers(id, `accepts ${[offer].flat().join(' | ')}`, offer, (answer) =>
    answer ? checks.map((check) => check(answer)).find(Boolean) : 'it declined',
  );

const declines = (id: string, parameters: string) =>
  offers(id, `declines ${parameters}`, `${DEFLATE}; ${parameters}`, (answer) => answer && 'it accepted');

/** What breaks the grammar fails the handshake (RFC 6455 §9.1); to overlook it is lax. */
function malformed(id: string, header: string): Probe<ServerBench> {
  return {
    id,
    title: `refuses ${header}`,
    role: 'server',
    async probe(bench): Promise<Verdict> {
      const { socket, head } = await ask(bench, { octets: http.request({ [EXTENSIONS]: header }) });
      socket.destroy();
      if (head?.line.startsWith('HTTP/1.1 400')) return { grade: 'OK' };
      if (!head?.line.startsWith('HTTP/1.1 101')) return failed(head?.line ?? 'no response came');
      return http.field(head, EXTENSIONS.toLowerCase()) ? failed('it accepted') : { grade: 'NON-STRICT' };
    },
  };
}

const BAD_BITS = ['7', '16', '0', '-9', '08', '010', '9.0', '0x9', 'nine', '256'];
const noClientBits = absent('client_max_window_bits');
const with_ = (parameters: string) => `${DEFLATE}; ${parameters}`;

const server: Probe<ServerBench>[] = [
  accepts('24.1.1', DEFLATE, noClientBits),
  accepts('24.1.2', with_('client_max_window_bits')),
  accepts('24.1.3', with_('client_max_window_bits=10'), atMost('client_max_window_bits', 15)),
  accepts('24.1.4', with_('client_max_window_bits=15')),
  accepts('24.1.5', with_('server_no_context_takeover'), present('server_no_context_takeover'), noClientBits),
  accepts('24.1.6', with_('client_no_context_takeover'), noClientBits),
  accepts('24.1.7', with_('server_max_window_bits=9'), atMost('server_max_window_bits', 9)),
  accepts('24.1.8', with_('server_max_window_bits=12'), atMost('server_max_window_bits', 12)),
  accepts('24.1.9', with_('server_max_window_bits=15'), present('server_max_window_bits')),
  accepts('24.1.10', with_('server_max_window_bits="10"'), atMost('server_max_window_bits', 10)),
  accepts(
    '24.1.11',
    with_('client_no_context_takeover; server_no_context_takeover; client_max_window_bits; server_max_window_bits=11'),
    present('server_no_context_takeover'),
    atMost('server_max_window_bits', 11),
  ),
  accepts('24.1.12', `${DEFLATE};server_no_context_takeover ;  client_max_window_bits`),
  offers(
    '24.1.13',
    'a window of 8 bits, kept or declined',
    with_('server_max_window_bits=8'),
    (answer) => answer && atMost('server_max_window_bits', 8)(answer),
  ),
  accepts('24.2.1', `mux, ${DEFLATE}`),
  accepts('24.2.2', ['mux', DEFLATE]),
  accepts('24.2.3', `${with_('plaza=1')}, ${DEFLATE}`),
  accepts(
    '24.2.4',
    `${with_('server_max_window_bits=7')}, ${with_('server_max_window_bits=9')}`,
    atMost('server_max_window_bits', 9),
  ),
  accepts('24.2.5', `${with_('server_no_context_takeover')}, ${DEFLATE}`, present('server_no_context_takeover')),
  declines('24.3.1', 'plaza'),
  declines('24.3.2', 'plaza=1'),
  declines('24.3.3', 'server_no_context_takeover; server_no_context_takeover'),
  declines('24.3.4', 'client_no_context_takeover; client_no_context_takeover'),
  declines('24.3.5', 'server_max_window_bits=10; server_max_window_bits=10'),
  declines('24.3.6', 'client_max_window_bits; client_max_window_bits=10'),
  declines('24.3.7', 'server_no_context_takeover=1'),
  declines('24.3.8', 'client_no_context_takeover=true'),
  declines('24.3.9', 'server_max_window_bits'),
  ...BAD_BITS.map((bits, i) => declines(`24.4.${i + 1}`, `server_max_window_bits=${bits}`)),
  ...BAD_BITS.map((bits, i) => declines(`24.5.${i + 1}`, `client_max_window_bits=${bits}`)),
  ...[
    `${DEFLATE};`,
    `${DEFLATE};;client_max_window_bits`,
    `${DEFLATE}; =9`,
    `${DEFLATE}; a=`,
    `${DEFLATE}; "a"`,
    '; a',
    `${DEFLATE}; server_max_window_bits=" 9"`,
  ].map((header, i) => malformed(`24.6.${i + 1}`, header)),
];

const answered = (parameters: string) => good({ [EXTENSIONS]: `${DEFLATE}${parameters && `; ${parameters}`}` });

const GOOD_ANSWERS = [
  '',
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits=9',
  'server_max_window_bits=15',
  'server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10',
];

const BAD_ANSWERS = [
  'plaza',
  'plaza=1',
  'server_no_context_takeover; server_no_context_takeover',
  'server_max_window_bits=10; server_max_window_bits=11',
  'server_no_context_takeover=1',
  'client_no_context_takeover=1',
  'server_max_window_bits',
  'client_max_window_bits',
  'server_max_window_bits=7',
  'server_max_window_bits=16',
  'server_max_window_bits=09',
  'client_max_window_bits=7',
  'client_max_window_bits=16',
  'client_max_window_bits=x',
];

const client = [
  ...GOOD_ANSWERS.map((each, i) => takes(`25.1.${i + 1}`, `takes ${each || 'no parameters'}`, answered(each))),
  ...BAD_ANSWERS.map((each, i) => rejects(`25.2.${i + 1}`, `rejects ${each}`, answered(each))),
  rejects('25.2.15', 'rejects two answers', good({ [EXTENSIONS]: `${DEFLATE}, ${DEFLATE}` })),
  rejects('25.2.16', 'rejects another extension beside it', good({ [EXTENSIONS]: `${DEFLATE}, mux` })),
  rejects('25.2.17', 'rejects what breaks the grammar', good({ [EXTENSIONS]: `${DEFLATE}; =` })),
];

export const negotiation = [...server, ...client];
