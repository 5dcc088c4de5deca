import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODES, decodeFromClient, decodeFromServer, REASONS } from '../../src/protocol/index.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8');

test('every example in docs/protocol.md is a message of the protocol', () => {
  const examples = page.match(/^[<>] .*$/gm)!;
  assert.ok(examples.length > 30);
  for (const example of examples) {
    const decode = example.startsWith('>') ? decodeFromClient : decodeFromServer;
    for (const { fault } of decode(example.slice(2))) assert.equal(fault, undefined, example);
  }
});

test('the table of errors in docs/protocol.md is the one in the program', () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (yes|no) \| (.*) \|$/gm)].map(([, ...row]) => row);
  assert.deepEqual(
    rows,
    Object.entries(CODES).map(([code, { retry, meaning }]) => [code, retry ? 'yes' : 'no', meaning]),
  );
});

test('the table of reasons in docs/protocol.md is the one in the program', () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| `[A-Z_`, ]+ \| (.*) \|$/gm)].map(([, ...row]) => row);
  assert.deepEqual(rows, Object.entries(REASONS));
});
