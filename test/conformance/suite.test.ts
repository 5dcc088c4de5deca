import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORIGINAL, OWN } from './cases/all.ts';
import { Deflate } from './deflate.ts';
import { close, encodeHeader, encodePayload, type Frame, FrameReader, fragments, text } from './frame.ts';
import { ACCEPT, acceptFor, KEY } from './handshake.ts';
import { readResults } from './results.ts';

const encode = (frame: Frame, masked: boolean) =>
  Buffer.concat([encodeHeader(frame, masked), encodePayload(frame, masked)]).toString('hex');

test('the suite has the 517 cases of the original, each once, and cases of its own', () => {
  assert.equal(new Set(ORIGINAL.map(({ id }) => id)).size, 517);
  assert.equal(ORIGINAL.length, 517);
  assert.ok(ORIGINAL.every(({ id }) => Number.parseInt(id, 10) < 20));
  assert.ok(OWN.every(({ id }) => Number.parseInt(id, 10) >= 20));
});

test('the table has a line for every case and no other', () => {
  const ids = new Set([...ORIGINAL, ...OWN].map(({ id }) => id));
  assert.deepEqual(new Set(Object.keys(readResults())), ids);
});

test('the oracle produces the example frames and the accept value of RFC 6455', () => {
  assert.equal(encode(text('Hello'), false), '810548656c6c6f');
  assert.equal(encode(text('Hello'), true), '818537fa213d7f9f4d5158');
  assert.deepEqual(
    fragments(text('Hello'), 3).map((each) => encode(each, false)),
    ['010348656c', '80026c6f'],
  );
  assert.equal(encode(close(1000), false), '880203e8');
  assert.equal(encode(text(Buffer.alloc(256)), false).slice(0, 8), '817e0100');
  assert.equal(encode(text(Buffer.alloc(65536)), false).slice(0, 20), '817f0000000000010000');
  assert.equal(acceptFor(KEY), ACCEPT);
});

test('the oracle accepts no frame that an endpoint may not send', () => {
  for (const octets of ['810548656c6c6f', '83850000000048656c6c6f', '81fe00050000000048656c6c6f', '098000000000']) {
    const reader = new FrameReader(true);
    reader.push(Buffer.from(octets, 'hex'));
    assert.throws(() => reader.next(), octets);
  }
});

test('the oracle keeps a context that was agreed on, and refuses one that was not', () => {
  const hello = Buffer.from('Hello, plaza! Hello, plaza!');
  const [sender, receiver, forgetful] = [
    new Deflate({}, 'client'),
    new Deflate({}, 'server'),
    new Deflate({ client_no_context_takeover: true }, 'server'),
  ];
  const [first, second] = [sender.compress(hello), sender.compress(hello)];
  assert.ok(second.length < first.length);
  for (const payload of [first, second]) assert.deepEqual(receiver.decompress(payload), hello);
  assert.deepEqual(forgetful.decompress(first), hello);
  assert.throws(() => forgetful.decompress(second), /too far back/);
});

test('the oracle refuses a window that is larger than was agreed', () => {
  const noise = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * i * 7919) >> 4));
  const payload = new Deflate({}, 'client').compress(Buffer.concat([noise, noise]));
  assert.equal(new Deflate({ client_max_window_bits: 10 }, 'server').decompress(payload).length, 2000);
  assert.throws(() => new Deflate({ client_max_window_bits: 9 }, 'server').decompress(payload), /too far back/);
});
