import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { isOwn } from '../../../src/hub/index.ts';
import { isChannel } from '../../../src/protocol/index.ts';
import { channelsOf } from '../../../src/server/channels/index.ts';
import { allKeys } from '../../../src/server/config/keys.ts';
import { type Config, configSchema } from '../../../src/server/config/schema.ts';
import { Hosts, Origins } from '../../../src/websocket/index.ts';
import { square } from '../../hub/fake-wire.ts';
import { startDaemon } from '../../support/daemon.ts';
import { HubPeer } from '../hub-peer.ts';
import { SECRET } from './support.ts';

/** A seed of this run, which it says. */
function seeded(t: TestContext, numRuns: number) {
  const seed = Date.now() | 0;
  t.diagnostic(`seed ${seed}`);
  return { seed, numRuns };
}

/** What the schema makes of this, or what it says is wrong. */
function read(input: object): { config?: Config; said: string } {
  const { success, data, error } = configSchema.safeParse(input);
  return success ? { config: data, said: '' } : { said: JSON.stringify(error.issues) };
}

const label = fc.stringMatching(/^[a-zA-Z0-9ñü]([a-zA-Z0-9ñü-]{0,6}[a-zA-Z0-9])?$/);
const host = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
  fc.constantFrom('localhost', 'example.org.', 'xn--bcher-kva.example', '1.2.3', '0x7f.1', 'a..b', '-', '%41.example'),
);
const starred = fc.oneof(
  host,
  host.map((name) => `*.${name}`),
  fc.constantFrom('*', '*x.example', 'x.*', '*.*.example'),
);
const port = fc.oneof(
  fc.constantFrom('', ':', ':*', ':0', ':80', ':443'),
  fc.nat(70_000).map((number) => `:${number}`),
);
const scheme = fc.constantFrom(
  '',
  'http://',
  'https://',
  'HTTPS://',
  'ws://',
  'file://',
  'capacitor://',
  '//',
  'https:',
);
const tail = fc.constantFrom('', '', '', '/', '/x', '?x', '#x', ' ', '\n', '\0', '@x', ',https://b.example');
const anyOrigin = fc.oneof(
  fc.tuple(scheme, starred, port, tail).map((parts) => parts.join('')),
  fc.constantFrom('null', 'same', '*', '', 'file://'),
  fc.string({ maxLength: 20 }),
);
const anyHost = fc.oneof(
  fc.tuple(scheme, starred, port, tail).map((parts) => parts.join('')),
  fc.tuple(starred, port).map((parts) => parts.join('')),
  fc.string({ maxLength: 20 }),
);

/** A page's origin as a browser would write it, of the kind that was named. */
function pageOf(origin: string): string {
  if (origin === '*' || origin === 'same') return 'https://any.example';
  const page = origin.replace(/\/\/\*/, '//sub').replace(/:\*$/, ':8123');
  // What a browser cannot parse it cannot open.
  if (/^https?:/.test(page)) assert.equal(new URL(page).origin, page);
  return page;
}

const fail = () => assert.fail('no handler is configured');
const noHandlers = { subscribe: fail, publish: fail };

test('each origin that the configuration accepts admits a page, and each other is refused by name', (t) => {
  const counts = { taken: 0, refused: 0 };
  const property = fc.property(anyOrigin, fc.constantFrom('origins', 'api'), (origin, key) => {
    const { config, said } = read(key === 'api' ? { api: { cors: [origin] } } : { origins: [origin] });
    if (!config) {
      counts.refused++;
      assert.ok(said.includes('must be the origin of a page') && said.includes(key), said);
      // What is refused is what no browser sends.
      if (/^https?:[^*]*(?<!:0)$/.test(origin)) assert.notEqual(URL.parse(origin)?.origin, origin);
      return;
    }
    counts.taken++;
    const taken = key === 'api' ? config.api.cors : config.origins;
    const [normal] = taken as string[];
    const page = pageOf(normal!);
    assert.ok(new Origins(taken).allows(page, normal === 'same' ? 'any.example' : 'else.example'), `${normal} ${page}`);
    assert.deepEqual(new Origins(taken), new Origins([origin]), 'as the library has it');
    if (!/^(?:\*|https:\/\/\*(?::\*)?)$/.test(normal!))
      assert.ok(!new Origins(taken).allows('https://not-named.invalid', 'else.example'));
  });
  fc.assert(property, seeded(t, 3_000));
  assert.ok(counts.taken > 100 && counts.refused > 100, JSON.stringify(counts));
});

test('each host that the configuration accepts is a Host that a request can have, and each other is refused by name', (t) => {
  const counts = { taken: 0, refused: 0 };
  const property = fc.property(anyHost, (name) => {
    const { config, said } = read({ hosts: [name] });
    if (!config) {
      counts.refused++;
      assert.ok(said.includes('must be a host name of this server') && said.includes('hosts'), said);
      return;
    }
    counts.taken++;
    const [normal] = config.hosts as string[];
    const called = normal === '*' ? 'any.example' : normal!.replace(/^\*/, 'sub');
    // As a client that parsed the URL would say it.
    const { host } = new URL(`http://${called}:8123`);
    assert.equal(host, `${called}:8123`);
    assert.ok(new Hosts(config.hosts).allows(host), `${normal} ${host}`);
    if (normal !== '*') assert.ok(!new Hosts(config.hosts).allows('not-named.invalid'));
  });
  fc.assert(property, seeded(t, 3_000));
  assert.ok(counts.taken > 100 && counts.refused > 100, JSON.stringify(counts));
});

const anyChannel = fc.oneof(
  fc.stringMatching(/^[\w\-.~!$&'()+,;=:@/%*]{1,12}$/),
  fc.constantFrom(
    '*',
    '**',
    '',
    '$own',
    'a*'.repeat(100),
    'x'.repeat(255),
    'x'.repeat(256),
    '__proto__',
    'señal',
    'a b',
  ),
  fc.string({ maxLength: 12 }),
);

test('each channel or pattern that the configuration accepts can be subscribed to, and each other is refused by name', async (t) => {
  const counts = { taken: 0, refused: 0 };
  const property = fc.asyncProperty(anyChannel, async (name) => {
    const { config, said } = read({ channels: Object.fromEntries([[name, { publish: 'everyone' }]]), chat: false });
    if (!config) {
      counts.refused++;
      assert.ok(said.includes('must be a channel') && said.includes(JSON.stringify(name)), said);
      return;
    }
    counts.taken++;
    const channel = name.replaceAll('*', 'x');
    assert.ok(isChannel(channel));
    // The daemon's own are refused by the cross-checks of a whole configuration.
    if (isOwn(name)) return;
    const { hub, guest } = await square({
      channels: channelsOf(config, noHandlers),
    });
    const client = await guest();
    const answer = (await client.ask('sub', channel)) as { ch?: number };
    assert.equal(typeof answer.ch, 'number', `${name}: ${channel} is answered ${JSON.stringify(answer)}`);
    await hub.close();
  });
  await fc.assert(property, seeded(t, 300));
  assert.ok(counts.taken > 20 && counts.refused > 20, JSON.stringify(counts));
});

/** Every key that is a size. */
const SIZES = allKeys()
  .filter(({ allowed, isGroup }) => allowed.startsWith('bytes') && !isGroup)
  .map(({ path }) => path);

const anySize = fc.oneof(
  fc.nat(5_000),
  fc.maxSafeInteger(),
  fc.double(),
  fc
    .tuple(
      fc.oneof(fc.nat(2_000), fc.bigInt({ min: 0n, max: 10n ** 30n })),
      fc.constantFrom('', 'B', 'KiB', ' MiB', 'GiB', 'kb', 'M'),
    )
    .map((parts) => parts.join('')),
);

/** What must stand beside a size, so that only the size can be wrong. */
const BESIDE: Readonly<Record<string, object>> = {
  'sinks.*': { from: 'news' },
  'sources.*': { listen: 'tcp://127.0.0.1:5010', frame: 'lines', channel: 'readings' },
  '*.into': { database: 'sqlite:shop.db', table: 'news', columns: { text: '{text}' } },
};

function at(path: readonly string[], value: unknown, above = ''): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const below = at(rest, value, part);
  const whole = rest.length > 0 ? { ...BESIDE[`${above}.${part}`], ...(below as object) } : below;
  return { [part === '*' ? 'news' : part]: whole };
}

test('each size that the configuration accepts is a whole number that the parts accept, and each other is refused by its key', (t) => {
  assert.ok(SIZES.length >= 6);
  const property = fc.property(fc.constantFrom(...SIZES), anySize, (path, value) => {
    const { config, said } = read(at(path, value) as object);
    if (!config) return assert.ok(said.includes(`"${path.at(-1)}"`) && /must be|expected/.test(said), said);
    let size: unknown = config;
    for (const part of path) size = (size as Record<string, unknown>)[part === '*' ? 'news' : part];
    assert.ok(Number.isSafeInteger(size) && (size as number) >= 0, String(size));
  });
  fc.assert(property, seeded(t, 3_000));
});

/** The least that each size may be, at which a small message must still get through. */
const small = fc.record({
  maxMessage: fc.constantFrom(1_000, '1KiB', 5_000),
  queue: fc.constantFrom(0, 1, '64KiB'),
  bytesPerSecond: fc.constantFrom('1KiB', 5_000),
});

test('with the smallest accepted sizes, a client can still connect, publish and receive', async (t) => {
  const property = fc.asyncProperty(small, fc.constantFrom(1, 1_024), async (limits, maxData) => {
    const parts: (() => unknown)[] = [];
    const during = {
      after: (part: () => unknown) => void parts.push(part),
      diagnostic: () => {},
    } as unknown as TestContext;
    try {
      const { url } = await startDaemon(during, {
        limits,
        api: { maxBody: 1_000, keys: [{ name: 'test', key: SECRET }] },
        channels: { news: { publish: 'everyone', maxData } },
      });
      const peer = await HubPeer.join(during, url.replace('http', 'ws'));
      await peer.ask('sub', 'news');
      const response = await fetch(`${url}/api/publish`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET}` },
        body: JSON.stringify({ channel: 'news', data: 7 }),
      });
      assert.equal(response.status, 200, await response.text());
      assert.deepEqual((await peer.publications(1))[0], [1, 7]);
      peer.client.terminate();
    } finally {
      for (const part of parts.toReversed()) await part();
    }
  });
  await fc.assert(property, seeded(t, 20));
});
