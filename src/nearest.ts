/** The candidate closest to `word`; undefined when more than a third of the letters would have to change. */
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

/** The entry, a channel's name or pattern, that is closest to a channel, at any distance; undefined without entries. */
export function nearestEntry(channel: string, entries: Iterable<string>): string | undefined {
  const near = [...entries].map((entry) => ({ entry, distance: editDistance(channel, entry, '*') }));
  return near.sort((a, b) => a.distance - b.distance)[0]?.entry;
}

/** How many letters to insert, delete, replace, or swap with their neighbour, to turn one word into the other. `any` in `b` matches any letters. */
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
