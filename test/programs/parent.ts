/** A parent to be killed: starts two programs that ignore what can be ignored, and prints their process ids. */
import { systemClock } from '../../src/clock.ts';
import { Program } from '../../src/programs/index.ts';

const log = { info: () => {}, warn: () => {}, error: () => {} };
const stubborn = ['bash', '-c', 'trap "" INT TERM HUP; while :; do sleep 0.1; done'];
const programs = [stubborn, ['sleep', '600'], ['sleep', '600']].map(
  (command) => new Program({ command, name: 'example', log, clock: systemClock }),
);
for (const program of programs) await program.start();
await programs[2]!.kill();
console.log(programs.map(({ pid }) => pid).join(' '));
if (process.argv[2] === 'exit') process.exit(0);
