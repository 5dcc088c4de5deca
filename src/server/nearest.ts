/** The candidate that `word` was most likely meant to be, or undefined when none is close: a third may be wrong. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

/** The name or pattern of a channel that is nearest to a channel, however far that is; undefined when there is none. */
export function nearestEntry(channel: string, entries: Iterable<string>): string | undefined {
  const near = [...entries].map((entry) => ({ entry, distance: editDistance(channel, entry, '*') }));
  return near.sort((a, b) => a.distance - b.distance)[0]?.entry;
}

/** Letters to insert, leave out, replace, or swap with their neighbour, to make one word of the other. `any` in `b` stands for any letters. */
export function editDistance(a: string, b: string, any?: string): number {
  let before: number[] = [];
  let last: number[] = [];
  let row = [0];
  for (const letter of b) row.push(row.at(-1)! + (letter === any ? 0 : 1));
  for (let i = 1; i <= a.length; i++) {
    [before, last, row] = [last, row, [i]];
    for (let j = 1; j <= b.length; j++) {
      if (b[j - 1] === any) {
        row.push(Math.min(last[j]!, row[j - 1]!));
        continue;
      }
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
  }
  return row[b.length]!;
}
