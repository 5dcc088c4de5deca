import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceTo, withoutSecrets } from '../../src/server/operations/trace-log.ts';
import { directoryWith } from '../server/config/support.ts';
import { HubPeer } from '../server/hub-peer.ts';
import { type Program, zocaloIn } from '../support/cli.ts';
import { MemoryLog } from '../support/memory-log.ts';

const CONFIG = {
  listen: 'http://127.0.0.1:0',
  store: 'memory',
  chat: false,
  secret: 'a secret that is long enough for all',
  channels: { news: {}, chat: { publish: 'everyone' } },
};

test('serve --debug writes each line in and out, each refusal and each request, and no secret', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.json': JSON.stringify(CONFIG) });
  const made = zocaloIn(cwd, ['token', '--user', 'ana']);
  assert.equal(await made.exited, 0);
  const token = made.stdout.trim();
  const program: Program = zocaloIn(cwd, ['serve', '--debug']);
  t.after(() => program.stop('SIGTERM'));
  const [, url] = await program.says(/open at (http\S+)/);
  const peer = await HubPeer.connect(t, url!.replace('http', 'ws'));
  await peer.ask('hi', { token });
  await peer.ask('sub', 'chat');
  await peer.ask('pub', 'chat', 'hola');
  await peer.ask('pub', 'news', 1);
  await fetch(`${url}/api/history?channel=news`);
  await program.says(/"GET \/api\/history\?channel=news"/, 'stderr');
  const said = program.stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const messages = said.map(({ msg }) => msg);
  for (const expected of [
    /^< \["hi",1,\{"token":"\[hidden\]"\}\]$/,
    /^> \["ok",1,\{"connection":.*"ticket":"\[hidden\]"/,
    /^< \["pub",3,"chat","hola"\]$/,
    /^>> \["m",\d+,1,"hola",/,
    /^refused with FORBIDDEN: channels\["news"\]\.publish is nobody/,
    /^GET \/api\/history\?channel=news$/,
  ])
    assert.ok(
      messages.some((message) => expected.test(message)),
      `${expected} in\n${messages.join('\n')}`,
    );
  assert.equal(said.find(({ msg }) => msg.startsWith('< ["pub",4')).user, 'ana');
  assert.ok(!program.stderr.includes(token) && !program.stderr.includes(token.slice(0, 40)));
});

test('credentials are hidden in every line that contains them, whole or cut off', () => {
  const quoted = 'a\\"b';
  for (const line of [
    `["hi",1,{"token":"${quoted}","resume":"r-1"}]`,
    `["hi",1,{"login":["ana","${quoted}"]}]`,
    `["auth",2,"${quoted}"]`,
    `["ok",1,{"token":"${quoted}","ticket":"t-1"}]`,
    `[]\n["auth",2,"${quoted}"]`,
  ]) {
    assert.doesNotMatch(withoutSecrets(line), /a\\"b|t-1|r-1|"ana"/, line);
    for (const part of withoutSecrets(line).split('\n')) JSON.parse(part);
  }
  const log = new MemoryLog();
  traceTo(log)('in', `["hi",1,{"token":"${'x'.repeat(2_000)}"}]`, undefined);
  traceTo(log)('out', 'y'.repeat(2_000), undefined);
  assert.equal(log.lines[0]!.sentence, '< ["hi",1,{"token":"[hidden]"}]');
  assert.equal(log.lines[1]!.sentence, `> ${'y'.repeat(500)}… (2000 characters)`);
});
