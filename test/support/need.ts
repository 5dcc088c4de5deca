import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';

/**
 * A part of the machine that a test uses for real. Where it is missing the test is skipped and says so; in CI
 * it is a failure, since `.ci/run` installs them all.
 *
 * @example test('nc gets its line back', { skip: missing('nc') }, async () => { … })
 */
export function missing(...programs: string[]): string | false {
  const absent = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  if (absent.length === 0) return false;
  const sentence = `needs ${absent.join(' and ')}, which this machine does not have`;
  if (process.env.CI) throw new Error(sentence);
  return sentence;
}

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

/** For `skip`: false where the machine has IPv6. */
export const noIPv6 = hasIPv6 ? false : 'needs IPv6, which this machine does not have';
