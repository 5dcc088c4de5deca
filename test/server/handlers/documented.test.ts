import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../../support/daemon.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/handlers.md'), 'utf8');

/** How each worker of docs/handlers.md is started, and what it needs. */
const WORKERS: Readonly<Record<string, { run: string; needs: string[] }>> = {
  php: { run: 'php', needs: ['php'] },
  python: { run: 'python3', needs: ['python3'] },
  bash: { run: 'bash', needs: ['bash', 'jq'] },
};

for (const [language, { run, needs }] of Object.entries(WORKERS))
  test(`the worker in ${language} of docs/handlers.md decides and answers`, { skip: missing(...needs) }, async (t) => {
    const code = TEXT.split(`\`\`\`${language}\n`)
      .map((part) => part.split('\n```')[0]!)
      .find((part) => part.includes('worker.'))!;
    const file = join(temporaryFolder(t), 'worker');
    writeFileSync(file, `${code}\n`);
    const { client, log } = await startDaemon(t, {
      channels: { 'room:*': { publish: 'everyone' } },
      handlers: {
        shop: { events: ['subscribe', 'publish', 'call'], channels: 'room:*', methods: '*', run: [run, file] },
      },
    });
    const ana = client();
    assert.deepEqual(await ana.call('hello', null), { hello: 'stranger' });
    const room = ana.subscribe('room:1');
    await new Promise((resolve) => room.on('live', resolve));
    await ana.publish('room:1', { text: 'hola\n"é" \u2028' });
    const { value } = await room[Symbol.asyncIterator]().next();
    assert.deepEqual(value!.data, { text: 'hola\n"é" \u2028' });
    await assert.rejects(ana.publish('room:1', { text: 'x'.repeat(501) }), {
      code: 'FORBIDDEN',
      message: /write less/,
    });
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });
