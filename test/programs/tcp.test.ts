import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/until.ts';
import { newProgram } from './set-up.ts';

const ECHO = `
import os, socket
host, port = os.environ["ZOCALO_CHANNEL"].removeprefix("tcp:").split(":")
channel = socket.create_connection((host, int(port))).makefile("rw")
channel.write(os.environ["ZOCALO_CHANNEL_SECRET"] + "\\nfirst\\n")
channel.flush()
for line in channel:
    channel.write("got " + line)
    channel.flush()
`;

/** Prints where its channel is, and does not go there. */
const TELL = 'echo "$ZOCALO_CHANNEL"; exec sleep 60';

test('a channel over TCP carries lines once its secret was said, and then its port is closed', async (t) => {
  const { program, lines } = newProgram(t, ['python3', '-c', `${ECHO}`], { channel: 'tcp' });
  await program.start();
  program.send('early');
  await until(() => lines.length === 2, 'both lines came');
  program.send('late');
  await until(() => lines.length === 3, 'the last line came');
  assert.deepEqual(lines, ['first', 'got early', 'got late']);
  await program.stop();
});

test('another program of the machine that does not know the secret is cut off, and gets nothing', async (t) => {
  const { program, log, lines } = newProgram(t, ['bash', '-c', TELL], { channel: 'tcp' });
  await program.start();
  program.send('for the program alone');
  await until(() => log.entries.length === 1, 'it said where');
  const port = Number(log.entries[0]!.sentence.split(':').at(-1));
  for (const text of ['x'.repeat(32), `${'x'.repeat(32)}\n`, `${'x'.repeat(31)}\n["publish"]\n`, '\n']) {
    const stranger = connect(port, '127.0.0.1');
    let heard = '';
    stranger.on('data', (chunk) => (heard += chunk)).on('error', () => {});
    stranger.write(text.length === 32 ? `${text}xx` : text);
    await once(stranger, 'close');
    assert.equal(heard, '');
  }
  assert.deepEqual(lines, []);
  await program.kill();
  const late = connect(port, '127.0.0.1');
  const [error] = await once(late, 'error');
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
});

test('a program that does not connect to its channel in time is ended', async (t) => {
  const clock = new FakeClock();
  const { program, log, ends } = newProgram(t, ['sleep', '60'], { channel: 'tcp', clock });
  await program.start();
  clock.advance(10_000);
  await program.ended;
  assert.deepEqual(log.codes, ['PROGRAM_FAILED_TO_START']);
  assert.match(ends[0]!.reason!.message, /did not connect to its channel within 10 s; connect to the address in/);
});
