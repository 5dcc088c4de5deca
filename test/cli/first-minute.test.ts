import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freeAddress } from '../../src/cli/free-address.ts';
import { invocation } from '../../src/cli/invocation.ts';
import { ZocaloError } from '../../src/errors.ts';
import { directoryWith } from '../server/config/support.ts';
import { zocaloIn } from '../support/cli.ts';

test('the port is 9000, or the next free one', async () => {
  const taken = (ports: readonly number[]) =>
    freeAddress(async (port) => {
      if (ports.includes(port)) throw new ZocaloError('ADDRESS_IN_USE', `${port} is taken`);
    });
  assert.equal(await taken([]), 'http://localhost:9000');
  assert.equal(await taken([9000, 9001]), 'http://localhost:9002');
  assert.equal(await taken(Array.from({ length: 10 }, (_, n) => 9000 + n)), 'http://localhost:9000');
});

test('when php-fpm uses port 9000, init writes another port, and the daemon without a file opens that one', async (t) => {
  const cwd = directoryWith(t);
  const other = createServer();
  // Where it is taken already, all the better.
  await new Promise<void>((resolve) => other.on('error', () => resolve()).listen(9000, '127.0.0.1', () => resolve()));
  t.after(() => other.close());
  const init = zocaloIn(cwd, ['init']);
  assert.equal(await init.exited, 0, init.stderr);
  const [, written] = /^listen: http:\/\/localhost:(\d+)$/m.exec(
    readFileSync(join(cwd, 'zocalo.config.yaml'), 'utf8'),
  )!;
  assert.match(written!, /^900[1-9]$/);
  assert.match(init.stdout, new RegExp(`http://localhost:${written}/api/publish`));
  assert.match(init.stderr, /^Port 9000 is taken/);
  const demo = zocaloIn(directoryWith(t), ['serve', '--store', 'memory']);
  t.after(() => demo.stop('SIGTERM'));
  const [, port] = await demo.says(
    /Port 9000 is taken by another program\.\nZócalo is open at http:\/\/localhost:(\d+)/,
  );
  assert.equal((await fetch(`http://localhost:${port}/ready`)).status, 200);
});

test('a requested port is used or the start fails', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  const program = zocaloIn(directoryWith(t), ['serve', '--store', 'memory', '--port', String(port)]);
  assert.equal(await program.exited, 3);
  assert.match(program.stderr, /ADDRESS_IN_USE/);
});

test('the printed commands start this program as it was started', () => {
  assert.equal(invocation('/x/bin/zocalo', { npm_command: 'exec' }, '/home'), 'npx zocalo');
  assert.equal(invocation('/x/bin/zocalo', { PATH: '/usr/bin:/x/bin' }, '/home'), 'zocalo');
  assert.equal(invocation('/home/clone/src/cli.ts', { PATH: '/usr/bin' }, '/home/clone'), 'node src/cli.ts');
  assert.equal(
    invocation('/home/node_modules/.bin/zocalo', { PATH: '/usr/bin' }, '/home'),
    'node node_modules/.bin/zocalo',
  );
});
