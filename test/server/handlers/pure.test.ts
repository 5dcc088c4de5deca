import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from '../../../src/protocol/index.ts';
import {
  encodeRecord,
  encodeRequest,
  RecordReader,
  TYPE,
} from '../../../src/server/handlers/carriers/fastcgi/records.ts';
import { readReply } from '../../../src/server/handlers/carriers/fastcgi/reply.ts';
import { readWorkerLine } from '../../../src/server/handlers/carriers/workers/worker-line.ts';
import { fastcgiAddress } from '../../../src/server/handlers/fastcgi-address.ts';
import { patternsOverlap } from '../../../src/server/handlers/overlap.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** Cuts bytes into pieces. */
function piecesOf(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(whole.subarray(at, at + size));
    at += size;
  }
  return [...pieces, whole.subarray(at)];
}

/** The specification's own way to read names and values, a step at a time. */
function pairsIn(content: Buffer): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < content.length; ) {
    const lengths = [0, 1].map(() => {
      const isLong = content[at]! >= 128;
      const length = isLong ? content.readUInt32BE(at) - 2 ** 31 : content[at]!;
      at += isLong ? 4 : 1;
      return length;
    });
    const [name, value] = lengths.map((length) => {
      at += length;
      return content.toString('utf8', at - length, at);
    });
    pairs.push([name!, value!]);
  }
  return pairs;
}

test('FastCGI records are read as they were written, in whatever pieces they come', () => {
  const record = fc.tuple(fc.integer({ min: 1, max: 11 }), bytes(300));
  const sizes = fc.array(fc.integer({ min: 0, max: 50 }));
  fc.assert(
    fc.property(fc.array(record), sizes, (records, sizes) => {
      const whole = Buffer.concat(records.map(([type, content]) => encodeRecord(type, content)));
      const reader = new RecordReader();
      const read = piecesOf(whole, sizes).flatMap((piece) => reader.read(piece));
      assert.deepEqual(
        read.map(({ type, content }) => [type, content]),
        records,
      );
    }),
  );
});

test('a FastCGI request has its variables and its body, of any length', () => {
  const variables = fc.dictionary(fc.string({ minLength: 1, maxLength: 200 }), fc.string({ maxLength: 400 }));
  fc.assert(
    fc.property(variables, fc.constantFrom(0, 1, 65_535, 65_536, 200_000), (variables, length) => {
      const body = Buffer.alloc(length, 'x');
      const records = new RecordReader().read(encodeRequest(variables, body));
      const of = (type: number) =>
        Buffer.concat(records.filter((record) => record.type === type).map(({ content }) => content));
      assert.deepEqual(pairsIn(of(TYPE.PARAMS)), Object.entries(variables));
      assert.ok(of(TYPE.STDIN).equals(body));
      assert.equal(records.at(-1)!.content.length, 0);
    }),
  );
});

test('padding of a FastCGI record is skipped, and an answer that is not FastCGI is reported as such', () => {
  const padded = Buffer.from([1, 6, 0, 1, 0, 2, 3, 0, 0x68, 0x69, 0, 0, 0]);
  assert.equal(new RecordReader().read(padded)[0]!.content.toString(), 'hi');
  assert.throws(() => new RecordReader().read(Buffer.from('HTTP/1.1 400 Bad Request')), /does not speak FastCGI/);
});

test('a CGI answer has its status, or 200, and its body', () => {
  const read = (text: string) => readReply(Buffer.from(text), 100);
  assert.deepEqual(read('Content-type: text/html\r\n\r\n{}'), { status: 200, text: '{}' });
  assert.deepEqual(read('Status: 404 Not Found\nX: y\n\nFile not found.\n'), {
    status: 404,
    text: 'File not found.\n',
  });
  assert.throws(() => read('no head'), /has no head/);
  assert.throws(() => read(`X: y\r\n\r\n${'x'.repeat(101)}`), /more than 100 bytes/);
  assert.throws(() => readReply(Buffer.from('X: y\r\n\r\nJos\xe9', 'latin1'), 100), /not UTF-8/);
});

test('two patterns overlap when some name matches both', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 4 });
  const pattern = letters.filter((text) => !text.includes('**'));
  // Of these patterns, any two that overlap do so within eight letters.
  const names = Array.from({ length: 8 }, (_, length) => length + 1).flatMap((length) =>
    Array.from({ length: 2 ** length }, (_, number) =>
      number.toString(2).padStart(length, '0').replaceAll('0', 'a').replaceAll('1', 'b'),
    ),
  );
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const [a, b] = [compilePattern(one), compilePattern(other)];
      assert.equal(
        patternsOverlap(one, other),
        names.some((name) => a(name) && b(name)),
        `${one} ${other}`,
      );
    }),
    { numRuns: 500 },
  );
});

test('the addresses of FastCGI servers are read, and others are none', () => {
  const tcp = fastcgiAddress('fcgi://127.0.0.1:9001/var/www/a.php');
  assert.deepEqual(tcp, { to: { host: '127.0.0.1', port: 9001 }, script: '/var/www/a.php' });
  const six = fastcgiAddress('fcgi://[::1]:9001/a.php');
  assert.deepEqual(six, { to: { host: '::1', port: 9001 }, script: '/a.php' });
  const unix = fastcgiAddress('fcgi+unix:/run/php.sock:/var/www/a b.php');
  assert.deepEqual(unix, { to: { path: '/run/php.sock' }, script: '/var/www/a b.php' });
  for (const wrong of [
    'fcgi://h/a.php',
    'fcgi://h:0/a',
    'fcgi://h:9',
    'fcgi://*:9/a',
    'fcgi+unix:/s',
    'fcgi://h:9/a\nb',
    'http://h:9/a',
  ])
    assert.equal(fastcgiAddress(wrong), undefined, wrong);
});

test('a line of a worker is an answer, a command, or nothing', () => {
  const line = readWorkerLine;
  assert.deepEqual(line('["ok",7,{"result":1e400}]'), { kind: 'answer', number: 7, text: '{"result":1e400}' });
  assert.deepEqual(line(' [ "ok" , 7 ]'), { kind: 'answer', number: 7, text: '' });
  assert.deepEqual(line('["err",7,"FORBIDDEN","no"]'), {
    kind: 'answer',
    number: 7,
    text: '{"deny":"no","code":"FORBIDDEN"}',
  });
  const command = line('["send",1,"ana",12345678901234567890]');
  assert.equal(command?.kind === 'command' && command.parts[1]!.text, '12345678901234567890');
  for (const text of ['', '{}', '[]', '["ok"]', '["ok","7",{}]', '[7,"ok"]', '\ud800', 'Warning: x', '["ok",7,'])
    assert.equal(line(text), undefined, text);
});
