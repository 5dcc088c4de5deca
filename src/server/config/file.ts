import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { ZocaloError } from '../../errors.ts';
import type { Layer } from './layer.ts';
import { isContainer, type Path } from './path.ts';
import { ConfigError } from './problem.ts';

/** The file names that are tried in the working directory. */
export const FILE_NAMES: readonly string[] = [
  'zocalo.config.yaml',
  'zocalo.config.yml',
  'zocalo.config.json',
  'zocalo.config.ts',
];

/** @throws ZocaloError BAD_CONFIG when there are several: that is ambiguous. */
export function findFile(cwd: string): string | undefined {
  const found = FILE_NAMES.filter((name) => existsSync(resolve(cwd, name)));
  if (found.length < 2) return found[0];
  throw new ZocaloError('BAD_CONFIG', `${found.join(' and ')} are both here`, {
    advice: 'leave one of them, or name the one that counts with --config',
  });
}

/** @throws ConfigError for a file that cannot be parsed, and for a duplicate key. */
export async function readConfigFile(name: string, cwd: string): Promise<Layer> {
  const path = resolve(cwd, name);
  if (/\.(yaml|yml|json)$/.test(name)) return readText(name, await readFile(path, 'utf8').catch(unreadable(name)));
  if (/\.[mc]?[tj]s$/.test(name)) return importModule(name, path);
  throw new ZocaloError('BAD_CONFIG', `${name} is not a configuration file`, {
    advice: 'name one that ends in .yaml, .yml, .json or .ts',
  });
}

/** JSON is YAML too. */
function readText(name: string, text: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => `${name}:${lines.linePos(offset).line}`;
  // One typing error causes many parse errors, and only the first is useful.
  const problems = document.errors.slice(0, 1).map(({ code, message, pos: [offset] }) => {
    const twice = code === 'DUPLICATE_KEY' ? keyAt(document, offset) : undefined;
    return twice
      ? `${place(offset)}: ${twice.key} is there already, in line ${lines.linePos(twice.first).line}; ${twice.isMap ? 'write what belongs to it under one of them' : 'remove one of them'}`
      : `${place(offset)}: this is not valid ${name.endsWith('.json') ? 'JSON' : 'YAML'}: ${message}`;
  });
  if (problems.length > 0) throw new ConfigError(problems);
  const values: unknown = document.toJS() ?? {};
  if (!isContainer(values) || Array.isArray(values)) throw notAMap(`${name}:1`);
  return { values, origin: (path) => place(offsetOf(document.contents, path)) };
}

/** The key that begins at an offset, and where it was before in the same map. */
function keyAt(document: Document.Parsed, offset: number): { key: string; first: number; isMap: boolean } | undefined {
  let found: ReturnType<typeof keyAt>;
  visit(document, {
    Map(_, { items }) {
      const pair = items.find(({ key }) => rangeOf(key) === offset);
      if (!pair) return;
      const key = String(pair.key);
      const first = rangeOf(items.find((other) => String(other.key) === key)!.key)!;
      found = { key, first, isMap: isMap(pair.value) };
      return visit.BREAK;
    },
  });
  return found;
}

/** Where the key at a path begins, or the nearest one around it. */
function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = 0;
  for (const part of path) {
    if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = rangeOf(node) ?? offset;
    } else {
      const pair = isMap(node)
        ? node.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(part))
        : undefined;
      offset = rangeOf(pair?.key) ?? offset;
      node = pair?.value;
    }
  }
  return offset;
}

function rangeOf(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0];
}

/** Imported again when it has changed, so that a reload reads its current contents. */
async function importModule(name: string, path: string): Promise<Layer> {
  const { mtimeMs } = await stat(path).catch(unreadable(name));
  const module = await import(`${pathToFileURL(path)}?${mtimeMs}`).catch((error: Error) => {
    throw new ZocaloError('BAD_CONFIG', `${name} fails: ${error.message}`, { advice: 'fix it', cause: error });
  });
  const values: unknown = module.default;
  if (!isContainer(values) || Array.isArray(values)) throw notAMap(name);
  return { values, origin: () => name };
}

function notAMap(place: string): ConfigError {
  const advice = place.includes(':')
    ? 'there must be keys with values, like `ping: 25s`'
    : 'it must `export default { … }`';
  return new ConfigError([`${place}: ${advice}`]);
}

function unreadable(name: string) {
  return (error: NodeJS.ErrnoException): never => {
    throw new ZocaloError('BAD_CONFIG', `${name} cannot be read (${error.code})`, {
      advice: 'name a file that is there and readable, or write one with zocalo init',
      cause: error,
    });
  };
}
