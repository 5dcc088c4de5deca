import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
/** The README and the pages of docs/, as paths from the root. */
export const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter(isMarkdown)
    .map((name) => `docs/${name}`),
];

/** Their code is that of these folders, which is checked with the types of pages. */
export const PAGES: Readonly<Record<string, string>> = {
  'docs/react.md': 'examples/pages/react',
  'docs/vue.md': 'examples/pages/vue',
  'docs/svelte.md': 'examples/pages/svelte',
  'docs/ssr.md': 'examples/ssr',
};

function isMarkdown(name: string): boolean {
  return name.endsWith('.md');
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
