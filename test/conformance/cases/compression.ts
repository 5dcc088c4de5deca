import { type Case, CLOSED_BY_PEER } from '../case.ts';
import { FULL } from '../conformance.ts';
import type { Negotiation, Parameters } from '../deflate.ts';
import { binary, text } from '../frame.ts';
import { PAYLOADS, type Payload } from './payloads.ts';

/** Groups 12 and 13: permessage-deflate with messages of many sizes, kinds and parameters. */

const SIZES: [length: number, fragment?: number][] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map((length): [number] => [length]),
  ...[8192, 16384, 32768, 65536, 131072].map((length): [number, number] => [length, 256]),
  [131072, 1024],
  [131072, 4096],
  [131072, 32768],
];

/** In every case 1000 messages when full; else as many as show that the context is kept, within a minute. */
const count = (length: number) => (FULL ? 1000 : length <= 4096 ? 40 : length <= 32768 ? 10 : 5);

const suffix = (parameters: Record<string, string | number | true | undefined>) =>
  Object.entries(parameters)
    .map(([name, value]) => (value === undefined ? '' : value === true ? `; ${name}` : `; ${name}=${value}`))
    .join('');

type Accept = Negotiation['accept'];
type Limits = { noContext?: true; bits?: number };

/** An offer says what the client can do and asks the server for `limits`. */
function offer({ noContext, bits }: Limits): string {
  const asked = suffix({ server_no_context_takeover: noContext, server_max_window_bits: bits });
  return `permessage-deflate; client_no_context_takeover; client_max_window_bits${asked}`;
}

/** As a server: takes the first offer that lets it ask the client for `limits`. */
const accept =
  ({ noContext, bits }: Limits): Accept =>
  (offers) => {
    const fitting = offers.find(
      (each) => (!noContext || each.client_no_context_takeover) && (!bits || each.client_max_window_bits),
    );
    return fitting && answer(fitting, { noContext, bits });
  };

function answer(taken: Parameters, { noContext, bits }: { noContext?: true | undefined; bits?: number | undefined }) {
  const { server_no_context_takeover, server_max_window_bits } = taken;
  const asked = { client_no_context_takeover: noContext, client_max_window_bits: bits };
  return `permessage-deflate${suffix({ server_no_context_takeover, server_max_window_bits, ...asked })}`;
}

function group(prefix: string, title: string, payload: Payload, deflate: Negotiation, limits: Limits = {}): Case[] {
  return SIZES.map(([length, fragment], i): Case => {
    const make = payload.isText ? text : binary;
    const message = (index: number) => make(payload.slice(index * length, length));
    return {
      id: `${prefix}.${i + 1}`,
      title: `${title}: messages of ${length}${fragment ? ` in fragments of ${fragment}` : ''}`,
      script: [{ rally: count(length), message, ...(fragment ? { fragment } : {}) }],
      expect: [],
      end: CLOSED_BY_PEER,
      deflate,
      // the answer may ask the client to forget its context only where its offer says so
      ...(limits.noContext ? { client: { compression: 'no takeover' } } : {}),
      patience: FULL ? 900_000 : 60_000,
    };
  });
}

const LIMITS: Limits[] = [
  {},
  { noContext: true },
  { bits: 9 },
  { bits: 15 },
  { noContext: true, bits: 9 },
  { noContext: true, bits: 15 },
];

const words = ({ noContext, bits }: Limits) =>
  [noContext && 'no context takeover', bits && `${bits} window bits`].filter(Boolean).join(', ') || 'no limits';

const FALLBACKS: Limits[] = [{ noContext: true, bits: 9 }, { noContext: true }, {}];
const withFallbacks: Negotiation = {
  offer: FALLBACKS.map(offer).join(', '),
  accept: (offers) => {
    for (const limits of FALLBACKS) {
      const taken = accept(limits)(offers);
      if (taken) return taken;
    }
    return undefined;
  },
};

export const kinds: Case[] = PAYLOADS.flatMap((payload, i) =>
  group(`12.${i + 1}`, payload.name, payload, { offer: offer({}), accept: accept({}) }),
);

export const parameters: Case[] = [
  ...LIMITS.flatMap((limits, i) =>
    group(`13.${i + 1}`, words(limits), PAYLOADS[0]!, { offer: offer(limits), accept: accept(limits) }, limits),
  ),
  ...group('13.7', 'limits with two fallbacks', PAYLOADS[0]!, withFallbacks, FALLBACKS[0]),
];
