import { parseArgs } from 'node:util';

/** The options that the benches of several parts have in common, and the text that explains them. */

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Names of the parts to measure. */
  readonly chosen: readonly string[];
  /** Undefined: write the results after a full run only. */
  readonly write: boolean | undefined;
  /** Why this is not a full run, as far as the options tell: for a sentence that begins with "since". */
  readonly partial: string | undefined;
  /** The further options that were given. */
  readonly others: Readonly<Record<string, string>>;
}

export interface Bench {
  /** Of package.json: `bench:hub`. */
  readonly script: string;
  /** The file that a full run writes, in this folder. */
  readonly file: string;
  readonly parts: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  /** Further options with their placeholders, and what they mean. */
  readonly others?: Readonly<Record<string, readonly [placeholder: string, meaning: string]>>;
}

/** Parses this program's options. For `--help` or wrong ones it prints the usage and ends the program. */
export function benchOptions({ script, file, parts, rounds, seconds, others = {} }: Bench): BenchOptions {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      ...Object.fromEntries(Object.keys(others).map((name) => [name, { type: 'string' as const }])),
      rounds: { type: 'string', default: String(rounds) },
      seconds: { type: 'string', default: String(seconds) },
      only: { type: 'string', default: parts.join() },
      write: { type: 'boolean' },
      help: { type: 'boolean', default: false },
    },
  });
  const [times, length] = [Number(values.rounds), Number(values.seconds)];
  const chosen = String(values.only).split(',').filter(Boolean);
  const unknown = chosen.find((name) => !parts.includes(name));
  const wrong =
    unknown !== undefined
      ? `--only: ${unknown} is not one of ${parts.join(', ')}`
      : !(times >= 1)
        ? '--rounds must be a number, at least 1'
        : !(length >= 1)
          ? '--seconds must be a number, at least 1'
          : undefined;
  if (wrong !== undefined) {
    console.error(`${wrong}; see npm run ${script} -- --help`);
    process.exit(2);
  }
  if (values.help) {
    const lines = [
      ...Object.entries(others).map(([name, [placeholder, meaning]]) => [`--${name} ${placeholder}`, meaning]),
      ['--rounds N', `how often each thing is measured, at least 1 (${rounds})`],
      ['--seconds N', `length of each measured window, at least 1 (${seconds})`],
      ['--only a,b', `some parts: ${parts.join(', ')}`],
      ['--write', `write bench/${file} even after a partial run`],
      ['--no-write', 'do not write it even after a full run'],
    ] as const;
    const width = Math.max(...lines.map(([option]) => option!.length)) + 3;
    const texts = lines.map(([option, meaning]) => `  ${option!.padEnd(width)}${meaning}`);
    console.log(`Usage: npm run ${script} -- [options]\n\n${texts.join('\n')}

Example: npm run ${script} -- --only ${parts[0]} --rounds 1`);
    process.exit();
  }
  return {
    rounds: times,
    seconds: length,
    chosen,
    write: values.write as boolean | undefined,
    partial:
      chosen.length < parts.length || times < rounds
        ? 'not everything was measured as often as usual'
        : length < seconds
          ? 'the windows were shorter than usual'
          : undefined,
    others: Object.fromEntries(
      Object.entries(values as Record<string, unknown>).flatMap(([name, value]) =>
        Object.hasOwn(others, name) && typeof value === 'string' ? [[name, value]] : [],
      ),
    ),
  };
}
