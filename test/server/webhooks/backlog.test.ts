import assert from 'node:assert/strict';
import { rmSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { Backlog } from '../../../src/server/webhooks/backlog.ts';
import { fileOf } from '../auth/auth-fixture.ts';

const WEBHOOK = 'http://localhost/hook';
const NEWS = [{ webhook: WEBHOOK, event: '{"type":"published"}' }];

test("the backlog's file is for its owner alone, and stores nothing once it was deleted", async (t) => {
  const file = fileOf(t, 'square.db-webhooks');
  const backlog = new Backlog(file, Date.now);
  t.after(() => backlog.close());
  await backlog.open();
  backlog.admit([WEBHOOK]);
  backlog.add(NEWS);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(name).mode & 0o777, 0o600, name);
  rmSync(file);
  assert.throws(() => backlog.add(NEWS), /was deleted or replaced while it was in use/);
  assert.equal(backlog.page(WEBHOOK)?.events.length, 1);
});
