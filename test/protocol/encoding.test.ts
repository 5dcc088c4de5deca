import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isChannel } from '../../src/protocol/index.ts';
import { missing } from '../support/need.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/client.md'), 'utf8');
const [, body] = /const encoded = \(text: string\) =>\n(.*?);\n\n/s.exec(page) ?? [];
/** The function that the page gives to its readers. */
const encoded = new Function('text', `return ${body!}`) as (text: string) => string;

const texts = fc.string({
  unit: fc.oneof(fc.constantFrom(...'$%*!\'()/:+ "\\\n'), fc.string({ unit: 'binary', maxLength: 1 })),
});

test('any text, encoded as docs/client.md says, is a part of a channel name, and comes back', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const name = encoded(text);
      assert.ok(name === '' || name.length > 255 || isChannel(name), name);
      assert.match(`inbox:${name}`, /^[\w:.~%-]+$/);
      assert.equal(decodeURIComponent(name), text);
    }),
  );
});

test('PHP and Python encode a text to the same name', { skip: missing('php', 'python3') }, () => {
  const sample = fc.sample(texts, 200);
  const expected = sample.map(encoded);
  const php = 'echo json_encode(array_map("rawurlencode", json_decode(stream_get_contents(STDIN))));';
  const python =
    'import json, sys, urllib.parse as p; print(json.dumps([p.quote(t, safe="") for t in json.load(sys.stdin)]))';
  for (const [program, ...args] of [
    ['php', '-r', php],
    ['python3', '-c', python],
  ] as const) {
    const answer = execFileSync(program, args, { input: JSON.stringify(sample), encoding: 'utf8' });
    assert.deepEqual(JSON.parse(answer), expected, program);
  }
});
