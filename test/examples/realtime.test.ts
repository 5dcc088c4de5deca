import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { HubPeer } from '../server/hub-peer.ts';
import { Program } from '../support/cli.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { missingFpm, startFpm } from '../support/php-fpm.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILE = join(import.meta.dirname, '../../examples/php/realtime.php');

/** The keys of a handler that asks examples/php/realtime.php, by each carrier. `sessions`: the folder of PHP's sessions. */
const CARRIERS: Readonly<Record<string, (t: TestContext, sessions: string) => object | Promise<object>>> = {
  HTTP: async (t, sessions) => {
    const folder = temporaryFolder(t);
    copyFileSync(FILE, join(folder, 'realtime.php'));
    const program = new Program('php', ['-d', `session.save_path=${sessions}`, '-S', '127.0.0.1:0', '-t', folder]);
    t.after(() => program.stop('SIGINT'));
    const [, url] = await program.says(/\((http:\/\/127\.0\.0\.1:\d+)\) started/, 'stderr');
    return { url: `${url}/realtime.php` };
  },
  FastCGI: async (t, sessions) => ({ url: `fcgi+unix:${(await startFpm(t, sessions)).socket}:${FILE}` }),
  pipes: (_, sessions) => ({ run: ['php', '-d', `session.save_path=${sessions}`, FILE], workers: 2 }),
};

for (const [name, start] of Object.entries(CARRIERS))
  test(`examples/php/realtime.php decides over ${name}: by the session, what is said, and who is shown`, {
    skip: missing('php') || (name === 'FastCGI' && missingFpm()),
  }, async (t) => {
    const sessions = temporaryFolder(t);
    writeFileSync(join(sessions, 'sess_abc123'), 'user|s:3:"ana";');
    const { url, log } = await startDaemon(t, {
      channels: { 'room:*': { publish: 'everyone', presence: true } },
      handlers: {
        chat: {
          events: ['connect', 'subscribe', 'publish', 'call'],
          channels: 'room:*',
          methods: 'room.*',
          ...(await start(t, sessions)),
        },
      },
    });
    const come = async (cookie: string) => {
      const client = await connectWebSocket(url.replace('http', 'ws'), {
        protocols: ['zocalo.1'],
        headers: { cookie },
      });
      t.after(() => client.terminate());
      const peer = new HubPeer(client);
      await peer.ask('hi', {});
      return peer;
    };
    const ana = await come('theme=dark; PHPSESSID=abc123');
    const stranger = await come('PHPSESSID=never');
    const subscribed = await ana.ask('sub', 'room:1', { presence: true, member: { name: 'the president' } });
    assert.deepEqual(subscribed.data, { welcome: 'ana' });
    assert.deepEqual(
      subscribed.members.map(({ data }: { data: unknown }) => data),
      [{ name: 'ana' }],
    );
    assert.equal(await stranger.ask('sub', 'room:1', {}), 'FORBIDDEN');
    ana.say('pub', 77, 'room:1', { text: 'hola', from: 'the president' }, {});
    const [, , , data] = (await ana.until('m')) as unknown[];
    assert.deepEqual(data, { from: 'ana', text: 'hola' });
    assert.equal(await ana.ask('pub', 'room:1', { text: '' }, {}), 'BAD_DATA');
    assert.deepEqual(await ana.ask('call', 'room.list', null), ['lobby', 'garden']);
    assert.equal(await ana.ask('call', 'other', null), 'NO_SUCH_METHOD');
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    );
  });
