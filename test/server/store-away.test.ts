import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CLI, Program } from '../support/cli.ts';
import { quietPort } from '../support/free-port.ts';
import { noRedis, startRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const KEY = 'a-key-of-thirty-two-characters-at-least';

async function serve(t: TestContext, store: string) {
  const folder = temporaryFolder(t);
  const port = await quietPort();
  writeFileSync(
    join(folder, 'zocalo.config.yaml'),
    `listen: http://127.0.0.1:${port}\nstore: ${JSON.stringify(store)}\napi:\n  keys:\n    - name: test\n      key: ${KEY}\n      can: [publish]\n      channels: ['*']\n`,
  );
  const program = new Program(process.execPath, [CLI, 'serve'], { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  const publish = async (data: unknown, key?: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/publish`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ channel: 'a', data, ...(key && { key }) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: the test checks what is in it
    return { status: response.status, body: (await response.json()) as any };
  };
  const health = async () => (await fetch(`http://127.0.0.1:${port}/health`)).status;
  return { program, publish, health };
}

describe('zocalo serve without its Redis', { skip: noRedis }, () => {
  test('waits for it, says so once, and serves as soon as it is there', async (t) => {
    const port = await quietPort();
    const { program, publish } = await serve(t, `redis://127.0.0.1:${port}`);
    await program.says(/the store is away.*does not serve until/, 'stderr');
    await startRedis(t, [], port);
    await program.says(/Zócalo is open/);
    await program.says(/the store is there/, 'stderr');
    assert.equal((await publish(1)).status, 200);
    assert.equal(program.stderr.match(/the store is away/g)?.length, 1);
  });

  test('ends at once when it is told to while it waits', async (t) => {
    const { program } = await serve(t, `redis://127.0.0.1:${await quietPort()}`);
    await program.says(/the store is away/, 'stderr');
    assert.equal(await program.stop('SIGTERM'), 0);
  });

  test('ends at once, with the reason, for what waiting does not heal', async (t) => {
    const { port } = await startRedis(t, ['--requirepass', 'secret']);
    const { program } = await serve(t, `redis://:wrong@127.0.0.1:${port}`);
    assert.equal(await program.exited, 11);
    assert.match(program.stderr, /^LOG_DENIED: .*WRONGPASS/m);
    assert.doesNotMatch(program.stderr, /:wrong@/);
  });

  test('a Redis that is paused: publishing answers UNAVAILABLE, /health 503, and all goes on afterwards', async (t) => {
    const redis = await startRedis(t);
    const { program, publish, health } = await serve(t, redis.address);
    await program.says(/Zócalo is open/);
    assert.equal((await publish(1, 'k1')).status, 200);
    redis.signal('SIGSTOP');
    const { status, body } = await publish(2, 'k2');
    assert.deepEqual([status, body.code], [503, 'UNAVAILABLE'], JSON.stringify(body));
    await until(async () => (await health()) === 503, 'the health tells of it');
    redis.signal('SIGCONT');
    await until(async () => (await publish(2, 'k2')).status === 200, 'the repetition is stored, once');
    const last = await publish(3, 'k3');
    assert.equal(last.body.at[1], 3);
  });
});
