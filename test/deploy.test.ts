import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { USAGE_EXIT } from '../src/cli/exit-codes.ts';
import { configSchema } from '../src/server/config/index.ts';

const UNIT = join(import.meta.dirname, '../deploy/zocalo.service');
const unit = readFileSync(UNIT, 'utf8');

function setting(name: string): string {
  const [, value] = new RegExp(`^${name}=(.*)$`, 'm').exec(unit) ?? [];
  assert.ok(value, `${name} is not in the unit`);
  return value;
}

test('the unit gives the daemon time to drain and enough open files, and does not restart after a mistake', () => {
  const { drain, limits } = configSchema.parse({});
  assert.ok(Number(setting('TimeoutStopSec')) * 1000 > drain.deadline);
  assert.ok(Number(setting('LimitNOFILE')) > limits.connections);
  assert.equal(Number(setting('RestartPreventExitStatus')), USAGE_EXIT);
});

test('systemd asks Zócalo alone to end, which then ends its programs', () => {
  assert.equal(setting('KillMode'), 'mixed');
});

// Only where it happens to be: it comes with systemd, which a container does not have.
const absent = spawnSync('systemd-analyze', ['--version']).status !== 0 && 'needs systemd-analyze';

test('systemd understands every line of the unit', { skip: absent }, () => {
  const verified = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' });
  assert.equal(verified.status, 0, verified.stderr);
  assert.doesNotMatch(verified.stderr, /zocalo\.service/);
});
