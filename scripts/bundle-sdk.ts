import { resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const ENTRY = resolve(import.meta.dirname, '../src/client/index.ts');
/** For pages without a bundler, which have no other file. */
const WHOLE = resolve(import.meta.dirname, '../web/zocalo.ts');

/**
 * The oldest browsers that work, all of 2021: the first with private methods, which the SDK has. A test compares the
 * syntax with it, and another runs the SDK without what browsers have learned since.
 */
export const OLDEST_BROWSERS = ['chrome92', 'edge92', 'firefox90', 'safari15'];

const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: OLDEST_BROWSERS,
  minify: true,
  write: false,
} as const;

/** A file, and its source map, which the file names. */
export interface Bundled {
  code: string;
  map: string;
}

/** The SDK as one minified ES module. */
export function bundleSdk(): Promise<Bundled> {
  return bundle('zocalo.js', {});
}

/** The SDK as one minified script without modules: the global `Zocalo`. */
export function bundleClassic(name: string): Promise<Bundled> {
  return bundle(name, { format: 'iife', globalName: 'Zocalo' });
}

async function bundle(outfile: string, options: BuildOptions): Promise<Bundled> {
  const { outputFiles } = await build({
    ...OPTIONS,
    ...options,
    entryPoints: [WHOLE],
    sourcemap: 'linked',
    outfile,
    write: false,
  });
  const [map, code] = outputFiles.toSorted((a, b) => b.path.length - a.path.length);
  return { code: code!.text, map: map!.text };
}

/**
 * The files that a page loads for `import { Client }` alone: those of a bundler that splits code, as all do, without
 * the files that `import()` loads later. `target`: whose syntax they may have.
 */
export async function bundlePlainPage(target = OLDEST_BROWSERS): Promise<string[]> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    target,
    stdin: {
      contents: `export { Client } from ${JSON.stringify(ENTRY)}`,
      resolveDir: import.meta.dirname,
      sourcefile: 'page.ts',
    },
    splitting: true,
    outdir: 'page',
    metafile: true,
  });
  const { outputs } = metafile;
  const loaded = new Set(Object.keys(outputs).filter((path) => path.endsWith('/stdin.js')));
  for (const path of loaded)
    for (const { path: next, kind } of outputs[path]!.imports) if (kind === 'import-statement') loaded.add(next);
  return [...loaded].map((path) => outputFiles.find((file) => file.path === resolve(path))!.text);
}
