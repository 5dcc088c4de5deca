import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Broker, memory } from '../../../src/broker/index.ts';
import { ZocaloError } from '../../../src/errors.ts';
import { Metrics } from '../../../src/server/operations/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { until } from '../../support/until.ts';
import { HubPeer, serveHub } from '../hub-peer.ts';

/** The samples of a text in Prometheus' format, each of whose lines is checked against the grammar. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Set<string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assert.ok(!types.has(type[1]!), `two types of ${type[1]}`);
      types.add(type[1]!);
    } else if (!/^# HELP [a-z_]+ .+\.$/.test(line)) {
      const sample = /^([a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"\})?) ([\d.e+-]+)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      assert.ok(
        types.has(sample[1]!.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '')) || types.has(sample[1]!),
        line,
      );
      samples.set(sample[1]!, Number(sample[2]));
    }
  }
  return samples;
}

async function measured(t: TestContext, broker: Broker = memory()) {
  const metrics = new Metrics();
  const set = await serveHub(t, { broker }, { onRefused: (reason) => metrics.refused(reason) });
  metrics.observe(set.hub, set.server);
  t.after(() => metrics.close());
  return { ...set, metrics, read: () => parse(metrics.text()) };
}

test('events of the hub and traffic of its sockets are counted', async (t) => {
  const { hub, url, read, server } = await measured(t);
  const ana = await HubPeer.join(t, url);
  await ana.ask('sub', 'news');
  const luis = await HubPeer.join(t, url);
  await luis.ask('sub', 'news');
  const plain = await connectWebSocket(`${url}/news`);
  t.after(() => plain.terminate());
  await until(() => hub.connections.length >= 3, 'three are connected');
  const before = read();
  await hub.publish('news', 'hola');
  await luis.publications(1);
  await ana.ask('sub', '***');
  const samples = read();
  const expected = {
    zocalo_sockets: 3,
    'zocalo_connections{kind="protocol"}': 2,
    'zocalo_connections{kind="text"}': 1,
    zocalo_connections_opened_total: 3,
    zocalo_users: 0,
    zocalo_channels: 1,
    'zocalo_lines_received_total{kind="protocol"}': 5,
    zocalo_publications_total: 1,
    zocalo_publication_bytes_total: 6,
    zocalo_deliveries_total: 3,
    zocalo_publish_seconds_count: 1,
    'zocalo_publish_seconds_bucket{le="+Inf"}': 1,
    zocalo_queued_bytes: 0,
    zocalo_slow_readers: 0,
    'zocalo_refusals_total{code="BAD_CHANNEL"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(samples.get(name), value, name);
  assert.ok(
    samples.get('zocalo_sent_bytes_total')! >= before.get('zocalo_sent_bytes_total')! + 3 * '["m",1,1,"hola"]'.length,
  );
  assert.ok(samples.get('process_resident_memory_bytes')! > 10_000_000);
  const sent = samples.get('zocalo_sent_bytes_total')!;
  plain.terminate();
  await until(() => server.users.size <= 2, 'two are left');
  assert.ok(read().get('zocalo_sent_bytes_total')! >= sent, 'who goes takes nothing away');
});

test('refused handshakes and failures are counted by their reason', async (t) => {
  const broker = memory();
  const { hub, url, read, metrics } = await measured(t, broker);
  await assert.rejects(connectWebSocket(url, { headers: { Origin: 'https://example.org' } }), /403/);
  broker.publish = () => Promise.reject(new ZocaloError('LOG_FULL', 'no room'));
  await assert.rejects(hub.publish('news', 1), { code: 'LOG_FULL' });
  metrics.failed(new ZocaloError('HOOK_FAILED', 'it failed'));
  metrics.failed('nonsense');
  const samples = read();
  assert.equal(samples.get('zocalo_handshakes_refused_total{reason="origin"}'), 1);
  for (const code of ['LOG_FULL', 'HOOK_FAILED', 'UNEXPECTED'])
    assert.equal(samples.get(`zocalo_errors_total{code="${code}"}`), 1, code);
});

test("other parts can add gauges, and the probe's deliveries are put into buckets", async (t) => {
  const { metrics, read } = await measured(t);
  metrics.gauge('zocalo_webhooks_waiting', 'Events that wait.', () => 7);
  metrics.delivered(0.003);
  metrics.delivered(99);
  const samples = read();
  assert.equal(samples.get('zocalo_webhooks_waiting'), 7);
  assert.equal(samples.get('zocalo_delivery_seconds_bucket{le="0.0025"}'), 0);
  assert.equal(samples.get('zocalo_delivery_seconds_bucket{le="0.005"}'), 1);
  assert.equal(samples.get('zocalo_delivery_seconds_bucket{le="10"}'), 1);
  assert.equal(samples.get('zocalo_delivery_seconds_bucket{le="+Inf"}'), 2);
  assert.equal(samples.get('zocalo_delivery_seconds_sum'), 99.003);
});

test('a label has a limited number of values, and no value breaks the format', async (t) => {
  const { metrics, read } = await measured(t);
  metrics.refused('a "quoted"\nreason \\ with all');
  for (let i = 0; i < 500; i++) metrics.refused(`reason ${i}`);
  const names = [...read().keys()].filter((name) => name.startsWith('zocalo_handshakes_refused_total'));
  assert.equal(names.length, 101);
  assert.ok(names.includes('zocalo_handshakes_refused_total{reason="other"}'));
});

test('what a node has missed of who is where is counted by the kind of group', async (t) => {
  const { metrics, read } = await measured(t);
  const repairs = new Map<string, number>();
  metrics.repairs({ repairs });
  assert.equal(read().get('zocalo_membership_repairs_total{kind="members"}'), undefined);
  repairs.set('members', 2);
  assert.equal(read().get('zocalo_membership_repairs_total{kind="members"}'), 2);
});
