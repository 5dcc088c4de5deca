import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { lookAtHandlers } from '../../src/cli/doctor/handlers.ts';
import { configOf } from '../support/config.ts';
import { freePort } from '../support/free-port.ts';

test('the doctor says which handler can be reached, or started, and which cannot', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const closed = await freePort();
  const events = ['disconnect' as const];
  const found = await lookAtHandlers(
    configOf({
      handlers: {
        web: { events, url: `http://127.0.0.1:${port}/a.php` },
        fpm: { events, url: `fcgi://127.0.0.1:${closed}/a.php` },
        socket: { events, url: 'fcgi+unix:/nowhere/fpm.sock:/a.php' },
        worker: { events, run: 'sh worker.sh' },
        gone: { events, run: 'no-such-php worker.php' },
      },
    }),
  );
  assert.deepEqual(
    found.map(({ level, about }) => [about, level]),
    [
      ['handler web', 'ok'],
      ['handler fpm', 'problem'],
      ['handler socket', 'problem'],
      ['handler worker', 'ok'],
      ['handler gone', 'problem'],
    ],
  );
  assert.match(found[1]!.sentence, /cannot be reached \(ECONNREFUSED\)/);
  assert.match(found[4]!.sentence, /^no-such-php is not there/);
});
