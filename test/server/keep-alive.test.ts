import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A daemon with a Unix socket, and what it answers over a connection that is to be kept. */
async function kept(t: TestContext, keepAlive?: string | number) {
  const folder = temporaryFolder(t);
  const socketPath = join(folder, 'api.sock');
  const { url } = await startDaemon(t, { socket: socketPath, ...(keepAlive !== undefined && { keepAlive }) });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const ask = async (options: RequestOptions, path: string): Promise<IncomingMessage> => {
    const [response] = await once(get(url + path, { agent, ...options }), 'response');
    response.resume();
    return response;
  };
  return { ask, socketPath };
}

test('an idle HTTP connection is kept for longer than proxies keep theirs, and for as long as configured', async (t) => {
  for (const [keepAlive, seconds] of [
    [undefined, 75],
    ['2m', 120],
  ] as const) {
    const { ask, socketPath } = await kept(t, keepAlive);
    for (const path of ['/', '/health', '/api/whoami', '/web/nothing.js'])
      assert.equal((await ask({}, path)).headers['keep-alive'], `timeout=${seconds}`, path);
    assert.equal((await ask({ socketPath }, '/api/whoami')).headers['keep-alive'], `timeout=${seconds}`, 'Unix socket');
  }
});

test('an idle HTTP connection ends after that time', async (t) => {
  for (const keepAlive of [0, '1ms']) {
    const { ask, socketPath } = await kept(t, keepAlive);
    for (const options of [{}, { socketPath }]) {
      const { socket } = await ask(options, '/api/whoami');
      if (!socket.destroyed) await once(socket, 'close');
    }
  }
});
