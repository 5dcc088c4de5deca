import { turn } from './turn.ts';

/** Milliseconds: long enough for a busy machine, and shorter than a test may take. */
const DEADLINE = 60_000;

/** Lets the event loop turn until a condition holds. Fails with "it never came that …" when it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadline = DEADLINE,
): Promise<void> {
  const end = performance.now() + deadline;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`it never came that ${what}`);
    await turn();
  }
}
