import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../src/stream/index.ts';
import { zocalo, zocaloListen } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('--learn shows an unknown device and writes its frame block, and what --record wrote is replayed to a server', async (t) => {
  const file = join(temporaryFolder(t), 'scale.jsonl');
  const { program, addresses } = await zocaloListen('tcp://127.0.0.1:0', '--learn', '--record', file);
  const device = await connect(addresses[0]!);
  const weights = ['1.5', '12.25', '3.125', '100', '7'];
  for (const [index, weight] of weights.entries()) {
    device.write(`\x02S S ${weight} kg\x03`);
    await program.says(new RegExp(`(bytes\\n[^]*){${index + 1}}`));
  }
  await program.says(/^0000 {2}02 53 20 53 20 31 2e 35 20 6b 67 03 +\|\.S S 1\.5 kg\.\|$/m);
  await program.says(/^# \d+ % sure: .*\nframe: stx-etx$/m);
  device.end();
  await program.says(/connection 1 has ended/);
  assert.equal(await program.stop('SIGINT'), 0);
  assert.match(program.stdout, /after all that was heard:\n\n# \d+ % sure: .*\nframe: stx-etx\n/);
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, weights.length + 2);

  const server = await zocaloListen('tcp://127.0.0.1:0', '--echo');
  const replay = zocalo('replay', file, server.addresses[0]!, '--fast');
  assert.equal(await replay.exited, 0, replay.stderr);
  assert.equal(replay.stdout, weights.map((weight) => `\x02S S ${weight} kg\x03`).join(''));
  await server.program.stop();
});

test('--learn and --record are refused together with --echo, and a recording must be one', async (t) => {
  for (const flags of [['--learn'], ['--record', join(temporaryFolder(t), 'a')]]) {
    const program = zocalo('listen', 'tcp://127.0.0.1:0', '--echo', ...flags);
    assert.equal(await program.exited, 2);
    assert.match(
      program.stderr,
      /^BAD_OPTION: option '--(learn|record <file>)' cannot be used with option '-e, --echo'/,
    );
  }
  const replay = zocalo('replay', '/nowhere/a.jsonl', 'tcp://127.0.0.1:1');
  assert.equal(await replay.exited, 2);
  assert.match(replay.stderr, /^BAD_OPTION: the recording \/nowhere\/a\.jsonl cannot be read \(ENOENT\)/);
});
