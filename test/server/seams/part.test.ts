import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Client } from '../../../src/client/index.ts';
import { type Config, configSchema } from '../../../src/server/config/index.ts';
import { Daemon } from '../../../src/server/daemon.ts';
import { assemble } from '../../../src/server/parts.ts';
import { configOf } from '../../support/config.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { toy as toySlice } from './toy-part/config.ts';
import { type ConfigWithToy, Toy } from './toy-part/index.ts';

const schema = configSchema.extend({ toy: toySlice });

function withToy(greeting?: string, config: Config = configOf()): ConfigWithToy {
  const { toy } = schema.pick({ toy: true }).parse({ toy: greeting === undefined ? undefined : { greeting } });
  return { ...config, toy };
}

/** A daemon with the toy: a folder, and the line that names it. */
function daemonWith(t: TestContext, config: ConfigWithToy) {
  let toy!: Toy;
  const daemon = new Daemon(config, { log: new MemoryLog(), version: '0' }, (config, options) => {
    const assembly = assemble(config, options);
    toy = new Toy(assembly.hub, config);
    return { ...assembly, parts: [...assembly.parts, toy] };
  });
  t.after(() => daemon.stop());
  return { daemon, toy };
}

async function hears(t: TestContext, daemon: Daemon, channel: string): Promise<unknown> {
  const client = new Client(daemon.addresses[0]!.replace('http', 'ws'));
  t.after(() => client.close());
  const heard = Promise.withResolvers<unknown>();
  client.subscribe(channel, { recent: 1 }).on('message', ({ data }) => heard.resolve(data));
  return heard.promise;
}

test('a part is a folder and a line: opened, reloaded in two steps with its own key, and closed with a grace', async (t) => {
  const { daemon, toy } = daemonWith(t, withToy());
  await daemon.start();
  assert.equal(await hears(t, daemon, 'one'), 'hola');
  await daemon.reload(withToy('buenas', daemon.config));
  assert.equal(await hears(t, daemon, 'two'), 'buenas');
  assert.equal(await daemon.stop(), true);
  assert.deepEqual(toy.calls, ['open', 'prepare buenas', 'commit buenas', 'close with grace']);
});

test('a configuration that one part refuses is applied by no part', async (t) => {
  const { daemon, toy } = daemonWith(t, withToy());
  await daemon.start();
  const cert = { cert: 'none.pem', key: 'none.pem', names: [] };
  const next = { ...withToy('buenas', daemon.config), tls: [cert] };
  await assert.rejects(daemon.reload(next), { code: 'BAD_CERTIFICATE' });
  toy.onPrepare = () => {
    throw new Error('the toy refuses');
  };
  await assert.rejects(daemon.reload(withToy('adios', daemon.config)), /the toy refuses/);
  assert.equal((daemon.config as ConfigWithToy).toy.greeting, 'hola');
  assert.deepEqual(
    toy.calls.filter((call) => call.startsWith('commit')),
    [],
  );
});

test('a reload that overlaps a stop is abandoned, and the stop does not wait for its remaining steps', async (t) => {
  const { daemon, toy } = daemonWith(t, withToy());
  await daemon.start();
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  toy.onPrepare = () => {
    begun.resolve();
    return held.promise;
  };
  const reloading = daemon.reload(withToy('buenas', daemon.config));
  await begun.promise;
  const stopped = daemon.stop();
  held.resolve();
  await assert.rejects(reloading, { code: 'ABORTED' });
  assert.equal(await stopped, true);
  assert.equal((daemon.config as ConfigWithToy).toy.greeting, 'hola');
  assert.deepEqual(toy.calls, ['open', 'prepare buenas', 'discard buenas', 'close with grace']);
});

test('when a part fails to open, all parts opened before it are closed', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const { daemon, toy } = daemonWith(t, withToy(undefined, configOf({ listen: `http://127.0.0.1:${port}` })));
  await assert.rejects(daemon.start(), { code: 'ADDRESS_IN_USE' });
  assert.deepEqual(toy.calls, ['open', 'close at once']);
});
