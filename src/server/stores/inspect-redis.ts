import { inspectRedis as inspect } from '../../broker/index.ts';
import type { StoreFinding } from './finding.ts';

/** Checks that Redis can be reached and used, and whether its settings may lose messages. */
export async function inspectRedis(address: string): Promise<StoreFinding> {
  try {
    const { place, product, warnings } = await inspect(address);
    if (warnings.length === 0) return { level: 'ok', sentence: `${place} is ${product}` };
    return {
      level: 'warning',
      sentence: `${place}: ${warnings.map(({ sentence }) => sentence).join('; ')}`,
      advice: warnings.map(({ advice }) => advice).join('; '),
    };
  } catch (error) {
    return { level: 'problem', sentence: 'the store in Redis cannot be used', error };
  }
}
