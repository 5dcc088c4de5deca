import { resolve } from 'node:path';
import { build } from 'esbuild';

const ENTRY = resolve(import.meta.dirname, '../src/client/index.ts');

const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  // What has private fields (2021) has all that esbuild would otherwise write out.
  target: 'es2022',
  minify: true,
  write: false,
} as const;

/** The SDK as one minified ES module, and its source map. */
export async function bundleSdk(): Promise<{ code: string; map: string }> {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [ENTRY],
    sourcemap: 'linked',
    outfile: 'zocalo.js',
  });
  const [map, code] = outputFiles.toSorted((a, b) => b.path.length - a.path.length);
  return { code: code!.text, map: map!.text };
}

/**
 * What a page loads that has `import { Client }` and no more: the files of a bundler that splits, as they all do, without
 * those that are loaded later by `import()`.
 */
export async function bundlePlainPage(): Promise<string[]> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
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
