import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { ZocaloError } from '../../../src/errors.ts';
import { type MqttOptions, MqttSource } from '../../../src/sources/mqtt/index.ts';
import { listen } from '../../../src/stream/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { freePort } from '../../support/free-port.ts';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { missing } from '../../support/need.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { FakeLog } from '../devices/devices.ts';

const skip = missing('mosquitto');

class Subscriber {
  readonly log = new FakeLog();
  readonly codes: string[] = [];
  readonly reports: ZocaloError[] = [];
  readonly source: MqttSource;

  constructor(t: TestContext, options: MqttOptions) {
    this.source = new MqttSource(options, {
      publish: this.log.publish,
      report: (error) => {
        this.codes.push(error.code);
        this.reports.push(error);
      },
      random: () => 0,
    });
    t.after(() => this.source.close({ grace: 0 }));
    this.source.open();
  }

  connected(): Promise<void> {
    return until(() => this.source.isConnected, 'the broker was connected');
  }
}

async function deviceOf(t: TestContext, broker: Mosquitto): Promise<MqttClient> {
  const device = await connectAsync(broker.url, { reconnectPeriod: 0 });
  device.on('error', () => {});
  t.after(() => device.endAsync(true));
  return device;
}

async function pair(t: TestContext, options: Partial<MqttOptions> & { topic?: string } = {}) {
  const broker = await startMosquitto(t);
  const { topic = 'sensors/{device}/+', ...more } = options;
  const all = {
    mqtt: `${broker.url}/${topic}`,
    name: 'home',
    channel: 'sensor:{device}',
    decode: { kind: 'json' },
    ...more,
  } as const;
  const subscriber = new Subscriber(t, all);
  await subscriber.connected();
  return { broker, options: all, subscriber, device: await deviceOf(t, broker) };
}

test('messages of topics are published in their order, with the named levels as fields', { skip }, async (t) => {
  const { subscriber, device } = await pair(t, { data: { celsius: '{t}', from: '{topic}' } });
  for (const [name, t] of [
    ['attic', 20],
    ['cellar', 12.5],
    ['attic', 21],
  ] as const)
    await device.publishAsync(`sensors/${name}/temperature`, JSON.stringify({ t, device: 'faked', topic: 'faked' }), {
      qos: 1,
    });
  await device.publishAsync('elsewhere/attic/temperature', '{}', { qos: 1 });
  await until(() => subscriber.log.stored.length === 3, 'all were stored');
  assert.deepEqual(
    subscriber.log.stored.map(({ channel, data }) => [channel, data]),
    [
      ['sensor:attic', { celsius: 20, from: 'sensors/attic/temperature' }],
      ['sensor:cellar', { celsius: 12.5, from: 'sensors/cellar/temperature' }],
      ['sensor:attic', { celsius: 21, from: 'sensors/attic/temperature' }],
    ],
  );
  assert.deepEqual(subscriber.codes, []);
});

test('nothing is acknowledged before it is stored: while the log is full the broker keeps it, also for another process', {
  skip,
}, async (t) => {
  const { subscriber, device, options } = await pair(t);
  subscriber.log.failure = () => new ZocaloError('LOG_FULL', 'the disk is full');
  for (let count = 0; count < 50; count++) await device.publishAsync('sensors/a/t', `${count}`, { qos: 1 });
  await until(() => subscriber.codes.includes('LOG_FULL'), 'it was tried');
  for (let times = 0; times < 20; times++) await settle();
  assert.equal(subscriber.source.totals.frames, 1, 'no further one was taken');
  await subscriber.source.close({ grace: 0 }); // as if the process died
  assert.deepEqual(subscriber.log.stored, []);
  const next = new Subscriber(t, options);
  await until(() => next.log.stored.length >= 50, 'all came');
  assert.deepEqual(
    next.log.data,
    Array.from({ length: 50 }, (_, count) => count),
  );
});

test('what comes while the source is away, and while the broker is restarted, is stored when both are back', {
  skip,
}, async (t) => {
  const { broker, subscriber, device, options } = await pair(t);
  await device.publishAsync('sensors/a/t', '1', { qos: 1 });
  await until(() => subscriber.log.stored.length === 1, 'the first was stored');
  await subscriber.source.close();
  for (const value of ['2', '3']) await device.publishAsync('sensors/a/t', value, { qos: 1 });
  await broker.stop();
  const next = new Subscriber(t, options);
  await until(() => next.codes.includes('CONNECTION_REFUSED'), 'the broker was away');
  await broker.start();
  await until(() => next.log.stored.length >= 2, 'the others were stored');
  assert.deepEqual(next.log.data, [2, 3]);
  await broker.stop('SIGKILL');
  await until(() => !next.source.isConnected, 'the loss was noticed');
  await broker.start();
  await next.connected();
  await (await deviceOf(t, broker)).publishAsync('sensors/a/t', '4', { qos: 1 });
  await until(() => next.log.data.at(-1) === 4, 'it was subscribed again');
});

test('what was taken when the source closes is stored and acknowledged first', { skip }, async (t) => {
  const { subscriber, device, options } = await pair(t);
  const gate = Promise.withResolvers<void>();
  subscriber.log.gate = gate.promise;
  for (const value of ['1', '2']) await device.publishAsync('sensors/a/t', value, { qos: 1 });
  await until(() => subscriber.log.attempts === 1, 'the first was taken');
  const closed = subscriber.source.close();
  gate.resolve();
  await closed;
  assert.deepEqual(subscriber.log.data, [1]);
  const next = new Subscriber(t, options);
  await until(() => next.log.stored.length > 0, 'the other one came');
  assert.deepEqual(next.log.data, [2]);
});

test('what cannot be read, is not on the list or is never taken costs itself only', { skip }, async (t) => {
  const { subscriber, device } = await pair(t, { ids: ['a', 'b'] });
  for (const [name, text] of [
    ['a', 'garbage'],
    ['stranger', '1'],
    ['b', '{"v":1}'],
    ['a', '2'],
  ] as const)
    await device.publishAsync(`sensors/${name}/t`, text, { qos: 1 });
  await until(() => subscriber.log.stored.length === 2, 'the others were stored');
  assert.deepEqual(subscriber.log.data, [{ v: 1 }, 2]);
  assert.deepEqual(subscriber.codes, ['FRAME_NOT_DECODED', 'DEVICE_REFUSED']);
  assert.equal(subscriber.source.totals.refused, 2);
});

test('what the broker has kept comes with the first subscription, and not with each connection', {
  skip,
}, async (t) => {
  const broker = await startMosquitto(t);
  const device = await deviceOf(t, broker);
  await device.publishAsync('state/a', 'on', { qos: 1, retain: true });
  const options = {
    mqtt: `${broker.url}/state/{device}`,
    name: 'home',
    channel: 'state:{device}',
    data: { kept: '{retained}' },
  } as const;
  const subscriber = new Subscriber(t, options);
  await until(() => subscriber.log.stored.length === 1, 'it came');
  await subscriber.source.close();
  const next = new Subscriber(t, options);
  await next.connected();
  await device.publishAsync('state/a', 'off', { qos: 1, retain: true });
  await until(() => next.log.stored.length > 0, 'the next came');
  assert.deepEqual([subscriber.log.data, next.log.data], [[{ kept: true }], [{ kept: false }]]);
});

test('commands reach a device’s topic, and wait in their order for the broker', { skip }, async (t) => {
  const { broker, subscriber, device } = await pair(t, { commands: 'sensors/{device}/set' });
  const heard: string[] = [];
  const listenIn = async (client: MqttClient) => {
    client.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString('latin1')}`));
    await client.subscribeAsync('+/+/set', { qos: 1 });
  };
  await listenIn(device);
  void subscriber.source.send('attic', 'on');
  await until(() => heard.length === 1, 'it came');
  await broker.stop();
  await until(() => !subscriber.source.isConnected, 'the loss was noticed');
  void subscriber.source.send('attic', 'off');
  void subscriber.source.send('cellar', { hex: '01 ff' });
  await broker.start();
  await listenIn(await deviceOf(t, broker));
  await until(() => heard.length >= 3, 'the others came');
  assert.deepEqual(heard, ['sensors/attic/set on', 'sensors/attic/set off', 'sensors/cellar/set \x01\xff']);
  for (const name of ['a/b', '#', '+'])
    assert.throws(() => subscriber.source.send(name, 'on'), { code: 'FRAME_NOT_ENCODED' });
});

test('without a topic for commands there are none', () => {
  const source = new MqttSource({ mqtt: 'mqtt://127.0.0.1/a', channel: 'a' }, { publish: async () => {} });
  assert.throws(() => source.send('a', 'on'), { code: 'BAD_OPTION' });
});

test('with 3.1.1 the broker keeps what comes as well', { skip }, async (t) => {
  const { subscriber, device, options } = await pair(t, { version: '3.1.1', topic: 'a/#', channel: 'a' });
  await subscriber.source.close();
  await device.publishAsync('a/b/c', '1', { qos: 1 });
  const next = new Subscriber(t, options);
  await until(() => next.log.stored.length === 1, 'it came');
});

test('a broker that knows neither user nor password says so, and does not repeat them', {
  skip: missing('mosquitto', 'mosquitto_passwd'),
}, async (t) => {
  const broker = await startMosquitto(t, (folder) => {
    const file = join(folder, 'users');
    writeFileSync(file, '');
    assert.equal(spawnSync('mosquitto_passwd', ['-b', file, 'home', 'p@ss/1']).status, 0);
    return ['allow_anonymous false', `password_file ${file}`];
  });
  const of = (login: string) => ({ mqtt: `mqtt://${login}@127.0.0.1:${broker.port}/a`, channel: 'a' });
  for (const version of [5, '3.1.1'] as const) {
    const wrong = new Subscriber(t, { ...of('home:wrong'), version });
    await until(() => wrong.codes.length > 0, 'it was refused');
    assert.deepEqual(wrong.codes, ['BROKER_REFUSED']);
    assert.doesNotMatch(wrong.reports[0]!.message, /wrong/);
  }
  await new Subscriber(t, of('home:p%40ss%2F1')).connected();
});

/** A broker that accepts a connection, and answers a subscription with these bytes. */
async function fakeBroker(t: TestContext, answer: (identifier: Buffer) => Buffer): Promise<string> {
  const server = await listen('tcp://127.0.0.1:0');
  t.after(() => server.close({ grace: 0 }));
  void (async () => {
    for await (const socket of server)
      socket.on('data', (bytes: Buffer) => {
        if (bytes[0] === 0x10) socket.write(Buffer.from('2003000000', 'hex'));
        if (bytes[0] === 0x82) socket.write(answer(bytes.subarray(2, 4)));
      });
  })();
  return server.addresses[0]!.replace('tcp', 'mqtt');
}

test('a subscription that the broker refuses is said so', async (t) => {
  // Mosquitto grants all subscriptions, and leaves out what the client may not read.
  const url = await fakeBroker(t, (identifier) => Buffer.concat([Buffer.of(0x90, 4), identifier, Buffer.of(0, 0x87)]));
  const subscriber = new Subscriber(t, { mqtt: `${url}/secret/#`, channel: 'a' });
  await until(() => subscriber.codes.length > 0, 'it was refused');
  assert.deepEqual(subscriber.codes, ['BROKER_REFUSED']);
  assert.match(subscriber.reports[0]!.message, /secret\/#/);
});

test('a broker that gives the name to another client says so, where it can', async (t) => {
  const url = await fakeBroker(t, (identifier) =>
    Buffer.concat([Buffer.of(0x90, 4), identifier, Buffer.of(0, 1), Buffer.of(0xe0, 2, 0x8e, 0)]),
  );
  const subscriber = new Subscriber(t, { mqtt: `${url}/a`, channel: 'a' });
  await until(() => subscriber.codes.length > 0, 'it was told');
  assert.deepEqual(subscriber.codes, ['BROKER_REFUSED']);
  assert.match(subscriber.reports[0]!.message, /same name/);
});

test('where a broker does not say why, the advice names the likeliest reason', { skip }, async (t) => {
  const { subscriber, options } = await pair(t);
  await new Subscriber(t, options).connected();
  await until(() => subscriber.codes.length > 0, 'the connection was ended');
  assert.deepEqual(subscriber.codes, ['CONNECTION_RESET']);
  assert.match(subscriber.reports[0]!.message, /same name/);
});

test('by TLS', { skip: missing('mosquitto', 'openssl') }, async (t) => {
  const certificate = makeCertificate();
  const port = await freePort();
  const broker = await startMosquitto(t, (folder) => {
    writeFileSync(join(folder, 'cert.pem'), certificate.cert);
    writeFileSync(join(folder, 'key.pem'), certificate.key);
    return [
      'allow_anonymous true',
      `listener ${port} 127.0.0.1`,
      `certfile ${folder}/cert.pem`,
      `keyfile ${folder}/key.pem`,
    ];
  });
  const subscriber = new Subscriber(t, {
    mqtt: `mqtts://127.0.0.1:${port}/a`,
    channel: 'a',
    tls: { ca: certificate.cert },
  });
  await subscriber.connected();
  await (await deviceOf(t, broker)).publishAsync('a', 'hello', { qos: 1 });
  await until(() => subscriber.log.stored.length === 1, 'it came');
  const stranger = new Subscriber(t, { mqtt: `mqtts://127.0.0.1:${port}/a`, channel: 'a', name: 'other' });
  await until(() => stranger.codes.length > 0, 'it was refused');
  assert.deepEqual(stranger.codes, ['CERTIFICATE_NOT_TRUSTED']);
});
