import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../../support/daemon.ts';
import { missingFpm, startFpm } from '../../support/php-fpm.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SCRIPT = `<?php
$event = json_decode(file_get_contents('php://input'), true);
switch ($event['data']) {
  case 'warn': ini_set('display_errors', '1'); echo $undefined; break;
  case 'fail': http_response_code(500); break;
  case 'exit': exit;
  case 'forbid': http_response_code(403); exit;
  case 'sleep': sleep(30);
}
echo json_encode(['result' => [$_COOKIE['who'] ?? null, $_SERVER['CONTENT_TYPE'], $_SERVER['HTTP_PROXY'] ?? null]]);
`;

test('php-fpm answers with its superglobals, and what goes wrong in a script fails closed and is in the log', {
  skip: missingFpm(),
}, async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'shop.php');
  writeFileSync(file, SCRIPT);
  const { socket, program } = await startFpm(t, folder);
  const { client, log } = await startDaemon(t, {
    handlers: {
      shop: { events: ['call'], methods: '*', url: `fcgi+unix:${socket}:${file}`, timeout: '1s' },
      none: { events: ['call'], methods: 'gone.*', url: `fcgi+unix:${socket}:${file}.missing` },
    },
  });
  const shop = client();
  const reasons = () =>
    log.lines.filter(({ level }) => level === 'error').map(({ fields }) => `${fields.code}: ${fields.reason}`);
  assert.deepEqual(await shop.call('a', null), [null, 'application/json', null]);
  const fails = async (data: string, reason: RegExp, method = 'a') => {
    const before = reasons().length;
    await assert.rejects(shop.call(method, data), { code: 'UNAVAILABLE' });
    assert.match(reasons().slice(before).join(), reason);
  };
  await fails('warn', /^HANDLER_BAD_ANSWER: the answer is not JSON$/);
  await fails('exit', /^HANDLER_BAD_ANSWER: the answer is empty$/);
  await fails('fail', /^HANDLER_BAD_ANSWER: it answers with status 500$/);
  await fails('', /^HANDLER_BAD_ANSWER: it answers with status 404$/, 'gone.a');
  await fails('sleep', /^HANDLER_TIMEOUT: no answer came within 1000 ms$/);
  await assert.rejects(shop.call('a', 'forbid'), { code: 'FORBIDDEN' });
  // What php-fpm writes to its error log about the missing script.
  const complaints = () => log.lines.filter(({ fields }) => /Primary script unknown/.test(String(fields.text)));
  assert.deepEqual(
    complaints().map(({ level, fields }) => [level, fields.handler]),
    [['warn', 'none']],
  );
  await program.stop('SIGTERM');
  await fails('', /^HANDLER_UNREACHABLE: it cannot be reached \((ENOENT|ECONNREFUSED)\)$/);
});
