/**
 * The table of every key of the daemon's configuration, from its schema.
 *
 *   node scripts/options.ts writes it into docs/options.md, replacing the old one
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { allKeys } from '../src/server/config/index.ts';

const FILE = join(resolve(import.meta.dirname, '..'), 'docs/options.md');

export function configTable(): string {
  const rows = allKeys().map(({ path, default: standard, required, isGroup, describe }) => {
    const inIt = isGroup && (standard === undefined || isEmpty(standard));
    const written = standard === undefined ? (required ? 'required' : 'none') : inIt ? '' : `\`${write(standard)}\``;
    return `| \`${path.join('.').replaceAll('.[]', '[]').replaceAll('*', '<name>')}\` | ${written} | ${describe.replaceAll('<', '\\<')} |`;
  });
  return ['| key | default | |', '| --- | --- | --- |', ...rows].join('\n');
}

function isEmpty(value: unknown): boolean {
  return Object.keys(value as object).length === 0;
}

function write(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', '').replaceAll(',', ', ');
}

if (import.meta.main) {
  const text = readFileSync(FILE, 'utf8');
  writeFileSync(FILE, text.replace(/^\| key \| default \| \|\n(\|.*\n)+/m, `${configTable()}\n`));
}
