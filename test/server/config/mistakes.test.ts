import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../../src/server/config/index.ts';
import { directoryWith, load, mistakes, SECRET } from './support.ts';

const FILE = 'zocalo.config.yaml';

/** A text with one mistake, and what is said of it. */
const ONE_MISTAKE: [string, string | RegExp][] = [
  [
    'log: {}\nlimits:\n  # too few\n  queu: 5',
    /^zocalo\.config\.yaml:4: limits\.queu is not a key; did you mean limits\.queue\? limits has connections, .*, queue$/,
  ],
  ['maxMessage: 5', /^zocalo\.config\.yaml:1: maxMessage is not a key; did you mean limits\.maxMessage\? /],
  ['auth:\n  hook: {url: "https://a.example/"}', /:2: auth\.hook is now a handler: write handlers: \{ login: /],
  ['quite: else', /^zocalo\.config\.yaml:1: quite is not a key; the configuration has listen, /],
  [
    'log:\n  level: inf',
    `${FILE}:2: log.level must be one of debug, info, warn, error, silent, not "inf"; did you mean info?`,
  ],
  ['chat: 5', `${FILE}:1: chat must be true or false, not 5`],
  ['ping: soon', `${FILE}:1: ping must be milliseconds, or a text like '30s' or '7d'`],
  ['limits: {queue: [5]}', `${FILE}:1: limits.queue must be bytes, or a text like '64KiB' or '1MiB', not a list`],
  ['limits: {connections: 0}', `${FILE}:1: limits.connections must be a whole number above 0, not 0`],
  ['channels:\n  a b: {}', `${FILE}:2: channels["a b"] must be a channel, like chat:42, or a pattern, like chat:*`],
  ['channels:\n  c:\n    history: 5', `${FILE}:3: channels.c.history must be false, or a map with size, ttl, not 5`],
  [
    'channels:\n  c:\n    history:\n      siez: 5',
    `${FILE}:4: channels.c.history.siez is not a key; did you mean channels.c.history.size? channels.c.history has size, ttl`,
  ],
  [
    'lines: {listen: tcp://localhost:1, channel: readings}',
    /^zocalo\.config\.yaml:1: lines is now a source: write sources: \{ lines: \{ lines: tcp:/,
  ],
  [
    'sources: {square: {lines: "tcp://localhost:1"}}',
    /^zocalo\.config\.yaml:1: sources\.square\.channel is missing, and must be one channel, like readings/,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: anviz, chanel: "door:{device}", channel: "door:{device}"}}',
    /^zocalo\.config\.yaml:1: sources\.doors\.chanel is not a key; did you mean sources\.doors\.channel\? sources\.doors has listen, dial, file, poll, frame,/,
  ],
  [
    'sources:\n  shop:\n    databse: sqlite:shop.db',
    /^zocalo\.config\.yaml:3: sources\.shop\.databse is not a key; did you mean sources\.shop\.database\? /,
  ],
  [
    'sources: {shop: {}}',
    `${FILE}:1: sources.shop must be a map with database, listen, dial, file, mqtt, push or lines, not an empty map`,
  ],
  [
    'sources: {doors: {frame: anviz, channel: door}}',
    `${FILE}:1: sources.doors.listen is missing, and so are dial and file: where do readings come from?`,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", file: /dev/ttyS0, frame: anviz, channel: door}}',
    `${FILE}:1: sources.doors.file must not stand beside listen`,
  ],
  [
    'sources: {home: {mqtt: "mqtt://u:secret@broker", channel: home}}',
    /^zocalo\.config\.yaml:1: sources\.home\.mqtt is not right: (?!.*secret@).*with its topic$/,
  ],
  [
    'sources: {home: {mqtt: "mqtt://broker/a", channel: home, commands: "to:{device}"}}',
    `${FILE}:1: sources.home.topic is missing: commands and topic are given both, or none`,
  ],
  [
    'sources: {clocks: {push: zkteco-push, channel: clocks, ids: []}}',
    /^zocalo\.config\.yaml:1: sources\.clocks\.ids must /,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: anvis, channel: door}}',
    /^zocalo\.config\.yaml:1: sources\.doors\.frame must be one of lines, .*, or a map with kind, not "anvis"; did you mean anviz\?/,
  ],
  [
    'sources:\n  doors:\n    listen: tcp://0.0.0.0:5010\n    channel: door\n    frame:\n      kind: delimitr',
    `${FILE}:6: sources.doors.frame.kind must be one of lines, delimiter, fixed, length, enclosed, slip, cobs, idle, datagram, not "delimitr"; did you mean delimiter?`,
  ],
  [
    'sources:\n  doors:\n    listen: tcp://0.0.0.0:5010\n    channel: door\n    frame:\n      kind: fixed\n      lenth: 5\n      length: 4',
    `${FILE}:7: sources.doors.frame.lenth is not a key; did you mean sources.doors.frame.length? sources.doors.frame has kind, length, start, check, strip, limit`,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: {kind: delimiter, delimiter: ""}, channel: door}}',
    /^zocalo\.config\.yaml:1: sources\.doors\.frame is not right: "" cannot mark a frame: it is empty; write /,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: lines, channel: "door:{device"}}',
    /^zocalo\.config\.yaml:1: sources\.doors\.channel is not right: the template .* write fields as \{name\}/,
  ],
  [
    'sources: {doors: {listen: "tls://0.0.0.0:5010", frame: lines, channel: door, tls: {cert: cert.pem}}}',
    `${FILE}:1: sources.doors.tls must name the file of its key, since listen is tls://`,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: lines, channel: "zocalo:{device}"}}',
    `${FILE}:1: sources.doors.channel is one of the daemon's own channels, which no source can use`,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: lines, channel: "door:{device}", commands: "door:{device}"}}',
    `${FILE}:1: sources.doors.commands must not be the channel of the readings`,
  ],
  [
    'sources: {doors: {listen: "tcp://0.0.0.0:5010", frame: lines, channel: "door:{id}", commands: "door:{id}:commands"}}',
    /^zocalo\.config\.yaml:1: sources\.doors\.commands must be a channel's name with \{device\} once and no other field/,
  ],
  [
    'channels: {"*": {history: false}}\nsources: {doors: {listen: "tcp://0.0.0.0:5010", frame: lines, channel: door, commands: "to:{device}"}}',
    `${FILE}:2: sources.doors.commands needs a history: channels["*"] keeps none, so that no command waits`,
  ],
  ['proxies:\n  - 10.0.0.0/8\n  - 10.0.0.0/33', /^zocalo\.config\.yaml:3: proxies\[1\] must be an address or network/],
  ['listen: localhost:9000', /^zocalo\.config\.yaml:1: listen must be an address like http:\/\/localhost:9000/],
  ['store: redis', `${FILE}:1: store must be sqlite:<file>, redis://<host> or memory`],
  ['ping: 5s\nping: 6s', `${FILE}:2: ping is there already, in line 1; remove one of them`],
  [
    'channels: {a: {}}\nping: 6s\n"channels": {b: {}}',
    `${FILE}:3: channels is there already, in line 1; write what belongs to it under one of them`,
  ],
  ['ping: [', /^zocalo\.config\.yaml:1: this is not valid YAML: /],
  ['- ping', /^zocalo\.config\.yaml:1: there must be keys with values/],
  // what only the whole can tell
  [
    'chat: true\nlisten: https://localhost:1',
    /^zocalo\.config\.yaml:2: listen is https, which needs a certificate: .*tls/,
  ],
  ['auth: {login: {}}', /^zocalo\.config\.yaml:1: auth\.login needs a secret, .*zocalo init/],
  ['auth: {jwt: {}}', /^zocalo\.config\.yaml:1: auth\.jwt must have one of publicKey and jwks/],
  [
    'auth: {jwt: {publicKey: no/key.pem}}',
    /: auth\.jwt\.publicKey names a file that cannot be read \(ENOENT\): no\/key\.pem$/,
  ],
  ['auth: {anonymous: false}', /^zocalo\.config\.yaml:1: auth\.anonymous is false, and no other way to log in is set/],
  [
    'sources: {square: {lines: "tcp://localhost:1", channel: "a:*"}}',
    /: sources\.square\.channel must be one channel, like readings/,
  ],
  [
    'channels: {readings: {}}\nsources: {square: {lines: "tcp://localhost:1", channel: reading}}',
    `${FILE}:2: sources.square.channel is reading, which matches no entry of channels; the nearest is readings`,
  ],
  [
    `api:\n  keys:\n    - {name: a, key: ${SECRET}}\n    - {name: b, key: ${SECRET}}`,
    `${FILE}:4: api.keys[1].key is the key of another entry too`,
  ],
  [
    `api: {keys: [{name: a, key: ${SECRET}},\n {name: a, key: ${SECRET}2}]}`,
    `${FILE}:2: api.keys[1].name is the name of another entry too: a`,
  ],
];

for (const [yaml, sentence] of ONE_MISTAKE) {
  test(`${JSON.stringify(yaml).slice(0, 60)} is one mistake with its line, its key and what is right`, async (t) => {
    const [first, ...more] = await mistakes(t, yaml);
    assert.deepEqual(more, []);
    if (typeof sentence === 'string') assert.equal(first, sentence);
    else assert.match(first ?? 'no mistake', sentence);
  });
}

test('all mistakes are reported together, in the order of the file', async (t) => {
  const found = await mistakes(t, 'pin: 5\nchat: maybe\nlimits:\n  queue: none\n', { env: { ZOCALO_PINK: '5' } });
  assert.deepEqual(
    found.map((sentence) => /^\S+/.exec(sentence)?.[0]),
    ['ZOCALO_PINK', 'zocalo.config.yaml:1:', 'zocalo.config.yaml:2:', 'zocalo.config.yaml:4:'],
  );
});

test('an invalid secret is not repeated in the message', async (t) => {
  for (const yaml of ['secret: hunter2', 'secret: [hunter2]', 'api: {keys: [{name: a, key: hunter2}]}']) {
    const found = await mistakes(t, yaml);
    assert.deepEqual(found.slice(1), []);
    assert.doesNotMatch(found[0]!, /hunter2/);
  }
});

test('an unknown variable is reported with the nearest known one', async (t) => {
  assert.deepEqual(await mistakes(t, '', { env: { ZOCALO_LIMITS_MAXMESSAGE: '5' } }), [
    'ZOCALO_LIMITS_MAXMESSAGE of the environment is unknown to Zócalo; did you mean ZOCALO_LIMITS_MAX_MESSAGE?',
  ]);
});

test('a mistake in the environment or in --set is reported with its source', async (t) => {
  const options = { env: { ZOCALO_PING: 'soon' }, flags: { set: ['linger=later', 'no key', 'log.levl=info'] } };
  const found = await mistakes(t, '', options);
  for (const sentence of [
    /^ZOCALO_PING of the environment: ping must be/,
    /^--set linger: linger must be/,
    /^--set no key: write it as --set key=value/,
    /^--set log\.levl: log\.levl is not a key; did you mean log\.level\?/,
  ])
    assert.ok(
      found.some((line) => sentence.test(line)),
      String(sentence),
    );
});

test('in a .ts file, the file and the key are named', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.ts': 'export default { log: { level: "loud" } }' });
  await assert.rejects(loadConfig({ cwd, env: {} }), { message: /^zocalo\.config\.ts: log\.level must be one of/ });
  writeFileSync(join(cwd, 'broken.ts'), 'export default {');
  await assert.rejects(loadConfig({ cwd, env: {}, file: 'broken.ts' }), {
    code: 'BAD_CONFIG',
    message: /^broken\.ts fails/,
  });
  writeFileSync(join(cwd, 'empty.ts'), 'export const ping = 5');
  await assert.rejects(loadConfig({ cwd, env: {}, file: 'empty.ts' }), { message: /export default/ });
});

test('JSON has lines too', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.json': '{\n  "log": {\n    "levl": "info"\n  }\n}' });
  await assert.rejects(loadConfig({ cwd, env: {} }), { message: /^zocalo\.config\.json:3: log\.levl is not a key/ });
});

test('a missing file, and one with an unknown extension, are reported as such', async (t) => {
  const cwd = directoryWith(t);
  await assert.rejects(loadConfig({ cwd, env: {}, file: 'no.yaml' }), {
    message: /^no\.yaml cannot be read \(ENOENT\)/,
  });
  await assert.rejects(loadConfig({ cwd, env: {}, file: 'no.ts' }), { message: /^no\.ts cannot be read \(ENOENT\)/ });
  await assert.rejects(loadConfig({ cwd, env: {}, file: 'no.ini' }), {
    message: /^no\.ini is not a configuration file/,
  });
});

test('unreadable certificates are reported with their place', async (t) => {
  const found = await mistakes(t, 'listen: https://localhost:1\ntls:\n  - cert: /no/cert\n    key: /no/key');
  assert.deepEqual(found, [
    `${FILE}:3: tls[0].cert names a file that cannot be read (ENOENT): /no/cert`,
    `${FILE}:4: tls[0].key names a file that cannot be read (ENOENT): /no/key`,
  ]);
});

test('an admin page or a channel that nobody can use is only a warning', async (t) => {
  const { warnings } = await load(t, 'admin: true\nchannels:\n  a:\n    publish: users\n    latestBy: sensor');
  assert.equal(warnings.length, 3);
  assert.match(warnings[0]!, /^zocalo\.config\.yaml:4: channels\.a\.publish is users, which nobody can be/);
  assert.match(warnings[1]!, /^zocalo\.config\.yaml:5: channels\.a\.latestBy has no effect/);
  assert.match(warnings[2]!, /^zocalo\.config\.yaml:1: admin is true, and nobody can use it/);
});

test("the configuration cannot open the daemon's own channels", async (t) => {
  const [own] = await mistakes(t, 'channels:\n  "zocalo:admin":\n    subscribe: everyone');
  assert.match(own!, /^zocalo\.config\.yaml:2: .*zocalo:admin.* is for the daemon's own channels/);
});

test('an address that cannot be called is reported before anything waits for its answer', async (t) => {
  const [webhook, handler] = await mistakes(
    t,
    `webhooks:\n  - url: http://user:pass@localhost/\n    secret: ${'s'.repeat(32)}\nhandlers:\n  login:\n    url: ftp://localhost/\n    events: [connect]`,
  );
  assert.match(webhook!, /^zocalo\.config\.yaml:2: webhooks\[0\]\.url must be an address .* without user and password/);
  assert.match(handler!, /^zocalo\.config\.yaml:6: handlers\.login\.url must be an address/);
  assert.doesNotMatch(webhook!, /user:pass/);
});

test('a key or a webhook for a channel that no entry offers is a warning with the nearest entry', async (t) => {
  const named = `{name: a, key: ${SECRET}, channels: [nwes, news, other:1, zocalo:admin, 'a*', chat:1]}`;
  const hook = `{url: https://example.org/, secret: ${SECRET}, channels: [orders:5]}`;
  const yaml = `channels: {news: {}, 'order:*': {}}\napi: {keys: [${named}]}\nwebhooks: [${hook}]`;
  assert.deepEqual((await load(t, yaml)).warnings, [
    `${FILE}:2: api.keys[0].channels[0] is nwes, which matches no entry of channels; the nearest is news`,
    `${FILE}:2: api.keys[0].channels[2] is other:1, which matches no entry of channels; the nearest is order:*`,
    `${FILE}:3: webhooks[0].channels[0] is orders:5, which matches no entry of channels; the nearest is order:*`,
  ]);
  assert.deepEqual(
    (await load(t, yaml.split('\n').slice(1).join('\n'))).warnings,
    [],
    'without channels, all are offered',
  );
});
