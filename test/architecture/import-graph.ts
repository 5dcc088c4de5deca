import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Which file of a source tree imports which, for values or for types alone. */
export interface ImportGraph {
  /** By path from the root, sorted: the files that it imports. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
}

/** Static and dynamic imports, and what is exported from elsewhere. A `type` in front changes nothing here. */
const SPECIFIER =
  /(?:^|[;\s])(?:import|export)\s(?:[^'"();]*?\sfrom\s*)?['"](\.{1,2}\/[^'"]+)['"]|import\(\s*['"](\.{1,2}\/[^'"]+)['"]\s*\)/gm;

/** Reads the TypeScript files below `folder`. */
export function readImportGraph(folder: string): ImportGraph {
  const files = globSync('**/*.ts', { cwd: join(ROOT, folder) }).map((file) => join(folder, file));
  const known = new Set(files);
  const imports = new Map<string, string[]>();
  for (const file of files.toSorted()) {
    const source = withoutComments(readFileSync(join(ROOT, file), 'utf8'));
    const targets = new Set<string>();
    for (const [, named, called] of source.matchAll(SPECIFIER)) {
      const target = relative(ROOT, join(ROOT, dirname(file), (named ?? called)!));
      if (known.has(target)) targets.add(target);
    }
    imports.set(file, [...targets].toSorted());
  }
  return { imports };
}

/** Comments hold examples, which import as well. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

/**
 * The sets of files that reach each other, largest first: each is one circle or several that hang together (Tarjan's
 * strongly connected components of more than one file).
 */
export function circlesOf({ imports }: ImportGraph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const circles: string[][] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file)!);
    stack.push(file);
    onStack.add(file);
    for (const target of imports.get(file) ?? []) {
      if (!index.has(target)) visit(target);
      if (onStack.has(target)) low.set(file, Math.min(low.get(file)!, low.get(target)!));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle: string[] = [];
    for (let member: string | undefined; member !== file; ) {
      member = stack.pop()!;
      onStack.delete(member);
      circle.push(member);
    }
    if (circle.length > 1) circles.push(circle.toSorted());
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return circles.toSorted((a, b) => b.length - a.length);
}

/** In one line: how large the graph is, and how much of it goes in circles. */
export function summaryOf(graph: ImportGraph): string {
  const arrows = [...graph.imports.values()].reduce((sum, targets) => sum + targets.length, 0);
  const circles = circlesOf(graph);
  const files = circles.flat().length;
  return `${graph.imports.size} files, ${arrows} imports, ${circles.length} circles${files > 0 ? ` of ${files} files` : ''}`;
}
