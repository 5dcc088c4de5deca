import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { missing } from '../../support/need.ts';
import { startEach } from './each-server.ts';
import { PhpRoom, phpProgram, Visitor } from './php-program.ts';

const ECHO = 'protected function process($user, $message) { $this->send($user, getmypid() . " $message"); }';

test('a PHP class is served over wss, and its clients stay when it is killed', {
  skip: missing('php', 'openssl'),
}, async (t) => {
  const { cert, key } = makeCertificate();
  const options = { listen: 'wss://127.0.0.1:0', server: { tls: { cert, key } } };
  const room = await PhpRoom.open(t, phpProgram(t, ECHO), options);
  assert.match(room.url, /^wss:/);
  await assert.rejects(connectWebSocket(room.url), /certificate/);
  const ana = await connectWebSocket(room.url, { tls: { ca: cert } });
  t.after(() => ana.terminate());
  const messages = ana[Symbol.asyncIterator]();
  for (const message of ['before', 'after']) {
    ana.send(message);
    assert.equal((await messages.next()).value, `${room.pid} ${message}`);
    if (message === 'before') await room.kill();
  }
});

test('a program per connection is told that its client came by wss', {
  skip: missing('bash', 'openssl'),
}, async (t) => {
  const { cert, key } = makeCertificate();
  const { url } = await startEach(t, ['bash', '-c', 'echo "$HTTPS"'], {
    listen: 'wss://127.0.0.1:0',
    server: { tls: { cert, key } },
  });
  const ana = await connectWebSocket(url, { tls: { ca: cert } });
  t.after(() => ana.terminate());
  assert.equal((await ana[Symbol.asyncIterator]().next()).value, 'on');
});

test('a PHP class whose channel is a TCP connection talks, is killed, and talks on', {
  skip: missing('php'),
}, async (t) => {
  const methods = `
  protected function process($user, $message) {
    foreach ($this->users as $other) $this->send($other, strtok(getenv('ZOCALO_CHANNEL'), ':') . " $message");
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods), { channel: 'tcp' });
  const [ana, bea] = [await Visitor.connect(t, room.url), await Visitor.connect(t, room.url)];
  ana.send('x'.repeat(300_000));
  await bea.messages(1);
  process.kill(room.pid, 'SIGKILL');
  bea.send('¿sigues?');
  assert.deepEqual(await ana.messages(2), [`tcp ${'x'.repeat(300_000)}`, 'tcp ¿sigues?']);
  assert.deepEqual(await bea.messages(2), ana.got);
  assert.deepEqual([ana.closed, bea.closed], [undefined, undefined]);
});
