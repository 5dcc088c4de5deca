/** Whether there is a text that matches both names or patterns, in which a `*` stands for one character or more. */
export function patternsOverlap(one: string, other: string): boolean {
  // By row: whether the first characters of `one`, read so far, and so many of `other` can be the same text.
  let row = [true, ...Array.from(other, () => false)];
  for (const a of one) {
    const next = [false];
    for (const [at, b] of [...other].entries())
      next.push(
        a === '*'
          ? row[at]! || next[at]! || (b === '*' && row[at + 1]!)
          : b === '*'
            ? row[at]! || row[at + 1]!
            : a === b && row[at]!,
      );
    row = next;
  }
  return row.at(-1)!;
}
