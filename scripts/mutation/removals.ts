import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Trial } from './trial.ts';

/** A mechanism that keeps a promise, and what is changed so that it does nothing. */
export interface Removal {
  readonly file: string;
  /** Is in the file once. */
  readonly original: string;
  readonly mutated: string;
  /** The files of tests of which one must fail then. */
  readonly tests: readonly string[];
}

/** What keeps the promises of several nodes (docs/cluster.md), by names for the command line. */
export const REMOVALS: Readonly<Record<string, Removal>> = {
  // The last publication of a burst is missing for good when its announcement is lost.
  'head-check': {
    file: 'src/broker/redis/head-check.ts',
    original: 'if (behind.length === 0) return;',
    mutated: 'return;',
    tests: ['test/broker/redis/nodes.test.ts'],
  },
  // A server that lost the end of a log gives its positions to other publications.
  generation: {
    file: 'src/broker/redis/scripts.ts',
    original: "elseif run ~= '-' and writer ~= run then",
    mutated: 'elseif false then',
    tests: ['test/broker/redis/away.test.ts'],
  },
  // The members of a node that has died are shown for good.
  'lease-sweep': {
    file: 'src/nodes/redis/sweeper.ts',
    original: 'if (!(await lease.claim(node))) return;',
    mutated: 'return;',
    tests: ['test/nodes/redis/nodes.test.ts'],
  },
  // A publication is never told of whose node dies right after it.
  'follow-ups': {
    file: 'src/broker/redis/scripts.ts',
    original: 'if #followed > 0 then',
    mutated: 'if false then',
    tests: ['test/broker/redis/follow-ups.test.ts'],
  },
};

/** Milliseconds. A test waits for a minute for what does not come. */
const LIMIT = 300_000;

/** The file without the mechanism. @throws Error when it is not where the table says. */
export function without(root: string, { file, original, mutated }: Removal): string {
  const parts = readFileSync(join(root, file), 'utf8').split(original);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, and not once: ${original}`);
  return parts.join(mutated);
}

/** Takes these mechanisms away, one at a time. Resolves with whether a test has noticed each. */
export async function remove(root: string, names: readonly string[], print: (line: string) => void): Promise<boolean> {
  const trial = await Trial.open(root);
  const stop = () => {
    trial.end();
    process.exit(1);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let isNoticed = true;
  try {
    for (const name of names) {
      const removal = REMOVALS[name]!;
      const verdict = await trial.judge(removal.file, without(root, removal), removal.tests, LIMIT);
      if (verdict.end !== 'failed') isNoticed = false;
      print(
        `without ${name} (${removal.file})\n    ${verdict.end === 'failed' ? `fails: ${verdict.by}` : verdict.end}`,
      );
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    trial.end();
  }
  return isNoticed;
}
