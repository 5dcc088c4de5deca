import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../support/need.ts';
import { RawClient } from '../../support/raw-client.ts';
import { until } from '../../support/until.ts';
import { PhpRoom, phpProgram, Visitor } from './php-program.ts';

const example = (path: string) => fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url));

test('the room in Python: two talk, it is killed, and they talk on', { skip: missing('python3') }, async (t) => {
  const command = ['python3', example('python/room.py')];
  const room = await PhpRoom.open(t, command[1]!, { command, listen: 'ws://127.0.0.1:0' });
  const ana = await Visitor.connect(t, room.url);
  const bea = await Visitor.connect(t, room.url);
  await Promise.all([ana.messages(1), bea.messages(1)]);
  ana.send('hello "bea" ✓');
  await bea.messages(2);
  await room.kill();
  bea.send('hello ana');
  bea.socket.close();
  assert.deepEqual(await ana.messages(4), ['Welcome!', '1: hello "bea" ✓', '2: hello ana', '2 has left.']);
});

test('a program in bash that only prints to its channel needs no ready', { skip: missing('bash') }, async (t) => {
  const script = `while IFS= read -r line <&3; do
    if [[ $line =~ ^\\[\\"message\\",([0-9]+),(.*)\\]$ ]]; then echo "[\\"send\\",\${BASH_REMATCH[1]},\${BASH_REMATCH[2]}]" >&4; fi
  done`;
  const room = await PhpRoom.open(t, '', { command: ['bash', '-c', script], listen: 'ws://127.0.0.1:0' });
  const ana = await Visitor.connect(t, room.url);
  ana.send('echo, "please"');
  assert.deepEqual(await ana.messages(1), ['echo, "please"']);
  await room.kill();
  ana.send('again');
  assert.deepEqual(await ana.messages(2), ['echo, "please"', 'again']);
});

test('a client that never reads costs the others nothing, and is closed', { skip: missing('php') }, async (t) => {
  const methods = `protected function process($user, $message) {
    foreach ($this->users as $other) $this->send($other, str_repeat('x', 100000));
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods), { server: { queueLimit: 1024 * 1024 } });
  const deaf = await RawClient.open(room.url, { deaf: true });
  t.after(() => deaf.socket.destroy());
  const ana = await Visitor.connect(t, room.url);
  for (let i = 1; i <= 120; i++) {
    ana.send('more');
    await ana.messages(i); // at her own pace
  }
  deaf.listen();
  await until(() => deaf.socket.destroyed || deaf.socket.readableEnded, 'the one that did not read is closed');
  assert.equal(ana.closed, undefined);
});
