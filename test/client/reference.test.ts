import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { setUp } from './set-up.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/client.md'), 'utf8');

test('docs/client.md has every option of the client', () => {
  let names: string[] = [];
  assert.throws(
    () => new Client('ws://hub/', { wrong: 1 } as object),
    ({ message }: Error) => {
      names = message.match(/did you mean (.*)\?$/)![1]!.split(',');
      return true;
    },
  );
  assert.ok(names.length > 8);
  for (const name of names) assert.match(page, new RegExp(`^\\| \`${name}\` \\|`, 'm'));
});

test('docs/client.md has every member of a client and of a subscription', () => {
  const { client } = setUp();
  for (const object of [client, client.subscribe('chat:42')])
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(object)))
      if (name !== 'constructor' && !name.startsWith('_'))
        assert.match(page, new RegExp(`^\\|.*\`${name}[\`(]`, 'm'), name);
  client.close();
});
