import { until } from '../../support/until.ts';
import type { Cases, Place } from './place.ts';

const CHANNEL = 'c:program';
const program = (options: object) => ({ programs: { [CHANNEL]: options } });

/** The newest publication of the channel while somebody listens, once there is another one. */
async function newest({ daemon: { hub } }: Place, guest: { ask(...words: string[]): unknown }): Promise<unknown> {
  const entries = async () => (await hub.history(CHANNEL)).entries;
  const before = (await entries()).at(-1)?.[0];
  await guest.ask('sub', CHANNEL);
  await until(async () => (await entries()).at(-1)?.[0] !== before, 'the program has published');
  return (await entries()).at(-1)![1];
}

async function look(place: Place): Promise<unknown> {
  const guest = await place.guest();
  const seen = await newest(place, guest);
  guest.connection.lost();
  return seen;
}

/** What the programs of channels take from a reload. */
export const PROGRAM_CASES: Cases = {
  'programs.*.run': { values: ['echo one', ['echo', 'two']], sees: ['one', 'two'], look },
  'programs.*.json': {
    base: program({ run: 'echo 42' }),
    values: [false, true],
    sees: ['42', 42],
    look,
  },
  'programs.*.linger': {
    base: program({ run: ['sh', '-c', 'echo $$; exec sleep 60'] }),
    values: ['1s', '1h'],
    sees: ['ended', 'runs on'],
    look: async (place) => {
      const pid = Number(await look(place));
      place.clock.advance(1_000);
      // Ten seconds at most: much less than the longer time.
      let turns = 1_000;
      const isGone = () => {
        if (turns-- > 0) place.clock.advance(10);
        try {
          return !process.kill(pid, 0);
        } catch {
          return true;
        }
      };
      const ended = until(isGone, 'it ended', 2_000);
      return ended.then(
        () => 'ended',
        () => 'runs on',
      );
    },
  },
  'programs.*.stdin': {
    base: program({ run: ['sh', '-c', 'read -r line; echo "got $line"'] }),
    values: [true, false],
    sees: ['got hello', 'got '],
    look: async (place) => {
      const { hub } = place.daemon;
      const said = async () => (await hub.history(CHANNEL)).entries.filter(([, data]) => data !== 'hello');
      const before = (await said()).length;
      const guest = await place.guest();
      await guest.ask('sub', CHANNEL);
      await hub.publish(CHANNEL, 'hello');
      await until(async () => (await said()).length > before, 'the program has said something');
      guest.connection.lost();
      return (await said()).at(-1)![1];
    },
  },
};
