/** Milliseconds until the first client comes back to a server that restarts. */
const FIRST = 1_000;

/** Milliseconds after which a client comes back to it: at a random moment within `spread` from the first. */
export function comeBack(spread: number, random: () => number): number {
  return Math.round(FIRST + spread * random());
}
