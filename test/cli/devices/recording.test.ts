import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineOfEvent, type RecordedEvent, Recorder, readRecording } from '../../../src/cli/devices/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('what is recorded is read again as the same events', (t) => {
  const file = join(temporaryFolder(t), 'door.jsonl');
  const clock = new FakeClock();
  clock.advance(5_000);
  const recorder = new Recorder(file, clock);
  recorder.opened(1, 'tcp://192.0.2.4:40312');
  clock.advance(12.5);
  recorder.heard(1, Buffer.of(0xa5, 0, 0xff));
  clock.advance(1);
  recorder.ended(1);
  recorder.close();
  assert.deepEqual(readRecording(file), [
    { at: 0, connection: 1, what: { from: 'tcp://192.0.2.4:40312' } },
    { at: 12.5, connection: 1, what: { bytes: Buffer.of(0xa5, 0, 0xff) } },
    { at: 13.5, connection: 1, what: 'end' },
  ] satisfies RecordedEvent[]);
  assert.match(readFileSync(file, 'utf8'), /^\{"at":12.5,"connection":1,"hex":"a500ff"\}$/m);
});

test('a file that exists is not written over', (t) => {
  const file = join(temporaryFolder(t), 'door.jsonl');
  writeFileSync(file, 'precious');
  assert.throws(() => new Recorder(file, new FakeClock()), { code: 'BAD_OPTION' });
  assert.equal(readFileSync(file, 'utf8'), 'precious');
});

test('a file that is not a recording is refused with the number of the line', (t) => {
  const file = join(temporaryFolder(t), 'door.jsonl');
  const good = lineOfEvent({ at: 10, connection: 1, what: 'end' });
  const wrong = [
    'text',
    'null',
    '{"at":10,"connection":1}',
    '{"at":10,"connection":1,"hex":"a"}',
    '{"at":"10","connection":1,"end":true}',
    '{"at":9,"connection":1,"end":true}',
  ];
  for (const line of wrong) {
    writeFileSync(file, `${good}\n${line}\n`);
    assert.throws(() => readRecording(file), { code: 'BAD_OPTION', message: /door\.jsonl:3 / }, line);
  }
  assert.throws(() => readRecording(`${file}.gone`), { code: 'BAD_OPTION', message: /ENOENT/ });
});
