import { readFileSync, writeFileSync } from 'node:fs';
import type { Role, Verdict } from './case.ts';

const FILE = new URL('results.json', import.meta.url);

/** By case, then by role: the grade and the code of the subject's Close, `-` when it sent none. */
export type Results = Record<string, Partial<Record<Role, string>>>;

export function inWords({ grade, code }: Verdict): string {
  return grade === 'INFORMATIONAL' || grade === 'UNIMPLEMENTED' ? grade : `${grade} ${code ?? '-'}`;
}

export function readResults(): Results {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** Writes the table with these results put in their places, a line a case, in the order of the numbers. */
export function updateResults(fresh: Results): void {
  const all = readResults();
  for (const [id, roles] of Object.entries(fresh)) all[id] = { ...all[id], ...roles };
  const ids = Object.keys(all).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const lines = ids.map((id) => {
    const { server, client } = all[id]!;
    const cells = Object.entries({ server, client }).filter(([, words]) => words !== undefined);
    return `  "${id}": { ${cells.map(([role, words]) => `"${role}": "${words}"`).join(', ')} }`;
  });
  writeFileSync(FILE, `{\n${lines.join(',\n')}\n}\n`);
}
