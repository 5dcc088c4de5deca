import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acceptDeflate,
  type DeflateAgreement,
  formatAgreement,
  offerDeflate,
  readAnswer,
} from '../../../src/websocket/core/deflate-negotiation.ts';

const ALONE = { contextTakeover: false, windowBits: 15 };
const TOGETHER = { contextTakeover: true, windowBits: 15 };
const SMALL = { contextTakeover: true, windowBits: 10 };
const NONE = 'server_no_context_takeover; client_no_context_takeover';

/** Who forgets, and the windows of both. */
const agreed = (forgets: '' | 'server' | 'client' | 'both', server = 15, client = 15): DeflateAgreement => ({
  serverNoContextTakeover: forgets === 'server' || forgets === 'both',
  clientNoContextTakeover: forgets === 'client' || forgets === 'both',
  serverMaxWindowBits: server,
  clientMaxWindowBits: client,
});

// RFC 7692 §7.1.1 and §7.1.2.
const ACCEPTED: [offer: string, wishes: typeof ALONE, agreement: DeflateAgreement, answer: string][] = [
  ['', ALONE, agreed('both'), NONE],
  ['', TOGETHER, agreed(''), ''],
  ['server_no_context_takeover', TOGETHER, agreed('server'), 'server_no_context_takeover'],
  ['client_no_context_takeover', TOGETHER, agreed('client'), 'client_no_context_takeover'],
  [NONE, TOGETHER, agreed('both'), NONE],
  ['', SMALL, agreed('', 10), 'server_max_window_bits=10'],
  ['server_max_window_bits=9', TOGETHER, agreed('', 9), 'server_max_window_bits=9'],
  ['server_max_window_bits=12', SMALL, agreed('', 10), 'server_max_window_bits=10'],
  // An offered limit is accepted by repeating it, even the largest.
  ['server_max_window_bits=15', TOGETHER, agreed('', 15), 'server_max_window_bits=15'],
  ['client_max_window_bits', TOGETHER, agreed(''), ''],
  ['client_max_window_bits=8', TOGETHER, agreed('', 15, 8), 'client_max_window_bits=8'],
  ['client_max_window_bits=15', TOGETHER, agreed(''), ''],
  [
    'client_max_window_bits=11; server_max_window_bits=13',
    TOGETHER,
    agreed('', 13, 11),
    'server_max_window_bits=13; client_max_window_bits=11',
  ],
];

const headerOf = (parameters: string) => (parameters ? `permessage-deflate; ${parameters}` : 'permessage-deflate');

for (const [offer, wishes, agreement, answer] of ACCEPTED)
  test(`a server with ${JSON.stringify(wishes)} answers the offer "${offer}" with "${answer}"`, () => {
    assert.deepEqual(acceptDeflate(headerOf(offer), wishes), agreement);
    assert.equal(formatAgreement(agreement, headerOf(offer)), headerOf(answer));
  });

const WRONG = [
  'server_max_window_bits',
  'server_max_window_bits=7',
  'server_max_window_bits=16',
  'server_max_window_bits=09',
  'server_max_window_bits=150',
  'client_max_window_bits=7',
  'client_max_window_bits=16',
  'server_no_context_takeover=true',
  'client_no_context_takeover=true',
  'server_no_context_takeover; server_no_context_takeover',
  'client_max_window_bits; client_max_window_bits=9',
  'hola',
];

test('an offer that is not well-formed, or that zlib cannot fulfil, is skipped for the next one', () => {
  for (const parameters of [...WRONG, 'server_max_window_bits=8']) {
    assert.equal(acceptDeflate(headerOf(parameters), TOGETHER), null, parameters);
    const header = `x-webkit-deflate-frame, ${headerOf(parameters)}, ${headerOf('server_max_window_bits=11')}`;
    assert.deepEqual(acceptDeflate(header, TOGETHER), agreed('', 11), parameters);
  }
  assert.equal(acceptDeflate('x-webkit-deflate-frame', TOGETHER), null);
});

test('a client offers to forget unless it wants context takeover, and takes any window of its own', () => {
  assert.equal(offerDeflate(ALONE), `permessage-deflate; ${NONE}; client_max_window_bits`);
  assert.equal(offerDeflate(SMALL), 'permessage-deflate; client_max_window_bits');
});

// RFC 7692 §7.1: what the server may answer to that.
const ANSWERS: [answer: string, wishes: typeof ALONE, agreement: DeflateAgreement][] = [
  ['', TOGETHER, agreed('')],
  ['', ALONE, agreed('client')],
  [NONE, ALONE, agreed('both')],
  ['client_no_context_takeover', TOGETHER, agreed('client')],
  ['server_no_context_takeover', TOGETHER, agreed('server')],
  ['server_max_window_bits=8', TOGETHER, agreed('', 8)],
  ['client_max_window_bits=9', TOGETHER, agreed('', 15, 9)],
  ['client_max_window_bits=12', SMALL, agreed('', 15, 10)],
  ['', SMALL, agreed('', 15, 10)],
];

for (const [answer, wishes, agreement] of ANSWERS)
  test(`a client with ${JSON.stringify(wishes)} understands the answer "${answer}"`, () => {
    assert.deepEqual(readAnswer(headerOf(answer), wishes), agreement);
  });

test('a client takes no answer for no compression, and fails the connection on one that it did not ask for', () => {
  assert.equal(readAnswer('', TOGETHER), null);
  const ofServer = [...WRONG, 'client_max_window_bits', 'client_max_window_bits=8'].map(headerOf);
  const others = ['x-webkit-deflate-frame', 'permessage-deflate, permessage-deflate', 'permessage-deflate;;'];
  for (const header of [...ofServer, ...others]) assert.equal(readAnswer(header, TOGETHER), false, header);
});
