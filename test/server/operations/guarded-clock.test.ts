import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin } from '../../../src/server/admin/index.ts';
import { guardedClock, Metrics } from '../../../src/server/operations/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { serveHub } from '../hub-peer.ts';

test('an error thrown in a timer is reported, and the next timers still run', () => {
  const hands = new FakeClock();
  const errors: unknown[] = [];
  const clock = guardedClock(hands, (error) => errors.push(error));
  let ticks = 0;
  const stop = clock.every(10, () => {
    ticks++;
    throw new Error('a tick');
  });
  clock.after(15, () => {
    throw new Error('once');
  });
  hands.advance(30);
  stop();
  hands.advance(30);
  assert.equal(ticks, 3);
  assert.deepEqual(
    errors.map((error) => (error as Error).message),
    ['a tick', 'once', 'a tick', 'a tick'],
  );
});

test('when the memory cannot be read, without file descriptors or /proc, metrics and samples leave it out', async (t) => {
  t.mock.method(process.memoryUsage, 'rss', () => {
    throw Object.assign(new Error('uv_resident_set_memory returned EMFILE'), { code: 'ERR_SYSTEM_ERROR' });
  });
  const { hub, server } = await serveHub(t);
  const metrics = new Metrics();
  metrics.observe(hub, server);
  t.after(() => metrics.close());
  assert.doesNotMatch(metrics.text(), /process_resident_memory_bytes/);
  assert.match(metrics.text(), /^process_cpu_seconds_total /m);
  const clock = new FakeClock();
  const admin = new Admin(hub, { clock, now: Date.now });
  admin.start();
  t.after(() => admin.stop());
  clock.advance(1_000);
  assert.equal(admin.samples.length, 1);
  assert.equal('memory' in admin.samples[0]!, false);
});

test('a metric that throws is left out and counted as a failure, and the others are still reported', () => {
  const metrics = new Metrics();
  metrics.gauge('zocalo_broken', 'It throws.', () => {
    throw Object.assign(new Error('no'), { code: 'BROKEN' });
  });
  metrics.gauge('zocalo_whole', 'It does not.', () => 7);
  assert.match(metrics.text(), /^zocalo_whole 7$/m);
  assert.doesNotMatch(metrics.text(), /zocalo_broken/);
  assert.match(metrics.text(), /^zocalo_errors_total\{code="BROKEN"\} \d+$/m);
});
