import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { configTable } from '../scripts/options.ts';
import { COMMANDS } from '../src/cli/commands/index.ts';
import { exitCodeOf, exitCodeTable } from '../src/cli/exit-codes.ts';
import { ERRORS, type ErrorCode, type ErrorRow, ZocaloError } from '../src/errors.ts';
import { LIMIT_DEFAULTS } from '../src/hub/limits.ts';
import { CODES } from '../src/protocol/index.ts';
import { CLOSE, COMPRESSION_DEFAULTS, CONNECTION_DEFAULTS, SERVER_DEFAULTS } from '../src/websocket/index.ts';
import { DOCUMENTS, PAGES, ROOT, read } from './support/documents.ts';

/** Made by `npm run bench`, which takes half an hour: a checkout may be without it. */
const MADE_LATER = 'bench/RESULTS.md';

/** What stands under a heading, down to the next one. */
function section(path: string, heading: string): string {
  const found = read(path)
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`));
  assert.ok(found, `${path} has no section ${heading}`);
  return found;
}

/** The cells of the table row that begins with `first`. */
function row(text: string, first: string): string[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`| ${first} |`));
  assert.ok(line, `there is no row for ${first}`);
  return line.split('|').map((cell) => cell.trim());
}

const DEFAULTS = {
  'Every WebSocket connection': CONNECTION_DEFAULTS,
  Compression: COMPRESSION_DEFAULTS,
  '`WebSocketServer`': SERVER_DEFAULTS,
  '`Hub`': LIMIT_DEFAULTS,
};

for (const [heading, defaults] of Object.entries(DEFAULTS)) {
  test(`docs/options.md has every option of ${heading}, with its default`, () => {
    const text = section('docs/options.md', heading);
    for (const [name, value] of Object.entries(defaults)) {
      const written = typeof value === 'string' ? `'${value}'` : Array.isArray(value) ? '[]' : String(value);
      const cell = row(text, `\`${name}\``)[2]!;
      assert.equal(cell.split(' (')[0], written, name);
    }
  });
}

test("docs/options.md has the table generated from the configuration's schema: node scripts/options.ts", () => {
  assert.ok(section('docs/options.md', 'The daemon').includes(`\n${configTable()}\n`));
});

test('docs/options.md has every flag of every command', () => {
  const program = new Command().enablePositionalOptions();
  for (const add of COMMANDS) add(program);
  const text = section('docs/options.md', 'The command line');
  for (const command of program.commands) {
    const table = text.split(`| \`zocalo ${command.name()}`)[1]?.split('\n\n')[0] ?? '';
    for (const { long } of command.options) assert.ok(table.includes(`\`${long}\``), `${command.name()} ${long}`);
  }
});

test('docs/errors.md has every code once, in its own row', () => {
  const [codes] = read('docs/errors.md').split('## Close codes');
  for (const code of Object.keys(ERRORS)) assert.equal(codes!.split(`\n| \`${code}\` |`).length, 2, code);
});

test('docs/errors.md has every code of a ProtocolError, with its status and whether to try again', () => {
  const text = section('docs/errors.md', 'Refusals');
  for (const [code, { status, retry }] of Object.entries(CODES))
    assert.deepEqual(row(text, `\`${code}\``).slice(2, 4), [String(status), retry ? 'yes' : 'no'], code);
  const thrown = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((path) => [
    ...read(path).matchAll(/ProtocolError\(\s*(?:\w+ \? '([A-Z_]+)' : )?'([A-Z_]+)'/g),
  ]);
  assert.ok(thrown.length > 80);
  for (const [, ...codes] of thrown)
    for (const code of codes) if (code) assert.ok(text.includes(`\`${code}\``), `${code} is not in docs/errors.md`);
});

test('docs/errors.md gives each code of a WebSocket the close code that the peer gets', () => {
  const rows = [...section('docs/errors.md', 'WebSocket').matchAll(/^\| `([A-Z_0-9]+)` \| (\d*) ?\|/gm)];
  assert.ok(rows.length > 5);
  for (const [, code, close] of rows) {
    const known: ErrorRow = ERRORS[code as ErrorCode];
    assert.equal(close, String(known.close ?? ''), code);
  }
});

test('docs/errors.md has every close code that may occur', () => {
  const text = section('docs/errors.md', 'Close codes');
  const unused: number[] = [CLOSE.MISSING_EXTENSION, CLOSE.SERVICE_RESTART, CLOSE.BAD_GATEWAY];
  for (const code of Object.values(CLOSE)) if (!unused.includes(code)) assert.ok(row(text, String(code)));
});

test('docs/errors.md has every exit code, with the codes of errors that lead to it', () => {
  const text = section('docs/errors.md', 'Exit codes');
  for (const [, exit, meaning] of exitCodeTable().matchAll(/^ {2}(\d+) {2}(\S+(?: \S+)*)/gm))
    assert.equal(row(text, exit!)[2], meaning);
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const exit = exitCodeOf(new ZocaloError(code, ''));
    if (exit !== 1) assert.ok(row(text, String(exit))[3]?.includes(`\`${code}\``), `${code} is not in the row ${exit}`);
  }
});

test('every link between the documents leads to a file and a heading that exist', () => {
  for (const path of DOCUMENTS) {
    for (const [, target] of read(path).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)) {
      const [file = '', anchor] = target!.split('#');
      const there = file === '' ? path : relative(ROOT, resolve(ROOT, dirname(path), file));
      assert.ok(there === MADE_LATER || existsSync(join(ROOT, there)), `${path} links to ${target}`);
      if (anchor) assert.ok(anchorsOf(read(there)).includes(anchor), `${path} links to ${target}`);
    }
  }
});

test('the maps of the README and of the architecture have every folder of src', () => {
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const maps = [section('README.md', 'The map of `src/`'), read('docs/architecture.md')];
  for (const { name } of folders)
    for (const [at, map] of maps.entries())
      assert.ok(map.includes(`| \`${at === 0 ? '' : 'src/'}${name}/\``), `${name} is in no row of map ${at}`);
});

/** As GitHub makes them: lower case, hyphens for spaces, no punctuation. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every piece of code for a framework is a file of its example page', () => {
  for (const [path, folder] of Object.entries(PAGES)) {
    const files = globSync('**/*.*', { cwd: join(ROOT, folder) }).filter((name) => !/\.d\.ts$|^serve\.ts$/.test(name));
    const blocks = [...read(path).matchAll(/^```(?:tsx|ts|vue|svelte)\n(.*?)^```/gms)].map(([, code]) => code);
    assert.deepEqual(blocks.toSorted(), files.map((name) => read(join(folder, name))).toSorted(), path);
  }
});
