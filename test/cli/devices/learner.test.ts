import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Learner } from '../../../src/cli/devices/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function learner() {
  const clock = new FakeClock();
  let text = '';
  const learner = new Learner(clock, (more) => {
    text += more;
  });
  /** What was printed since the last call. */
  const said = () => {
    const now = text;
    text = '';
    return now;
  };
  return { clock, learner, said };
}

test('bytes are shown with their place, as hexadecimal and as text', () => {
  const { clock, learner: shower, said } = learner();
  shower.opened(1, 'tcp://192.0.2.4:40312');
  clock.advance(1_500);
  shower.heard(1, Buffer.from('S S   12.34 kg\r\n|~\x7f'));
  assert.equal(
    said(),
    [
      '[0.000 s] connection 1: tcp://192.0.2.4:40312',
      '[1.500 s] connection 1, 19 bytes',
      '0000  53 20 53 20 20 20 31 32 2e 33 34 20 6b 67 0d 0a  |S S   12.34 kg..|',
      `0010  7c 7e 7f${' '.repeat(39)}  ||~.|`,
      '',
    ].join('\n'),
  );
});

test('a guess is shown with its block when it changes, and the likeliest ones at the end', () => {
  const { clock, learner: guesser, said } = learner();
  guesser.heard(1, Buffer.from('garbage'));
  clock.advance(1_000);
  assert.match(said(), /no guess yet/);
  for (const [index, weight] of ['1.5', '12.25', '3.125', '100', '7', '19.75', '8.5', '2.25'].entries()) {
    guesser.heard(1 + (index % 2), Buffer.from(`\x02S S ${weight} kg\x03`));
    clock.advance(1_000);
  }
  assert.match(said(), /# \d+ % sure: .*\nframe: stx-etx\n/);
  guesser.heard(1, Buffer.from('\x02S S 1 kg\x03'));
  clock.advance(1_000);
  said();
  clock.advance(60_000);
  assert.equal(said(), '');
  guesser.close();
  assert.match(said(), /^\nafter all that was heard:\n\n# \d\d % sure: [^\n]+\nframe: stx-etx\n/);
  assert.equal(clock.pending, 0);
});

test('when nothing came, it says so', () => {
  const { learner: guesser, said } = learner();
  guesser.close();
  assert.match(said(), /nothing was heard/);
});

test('only the newest bytes are learned from, so that a device may send for hours', () => {
  const { clock, learner: guesser, said } = learner();
  const rest = 'x'.repeat(80);
  for (let count = 0; count < 200; count++) guesser.heard(count % 3, Buffer.from(`old ${rest} ${count};`));
  for (let count = 0; count < 200; count++) {
    clock.advance(20);
    guesser.heard(7, Buffer.from(`new ${count ** 3} ${rest.slice(count % 70)}\n`));
  }
  said();
  guesser.close();
  assert.match(
    said(),
    /^\nafter all that was heard:\n\n# \d\d % sure: \d+ frames have 100 % of the bytes.*\nframe:\n {2}kind: lines/,
  );
});
