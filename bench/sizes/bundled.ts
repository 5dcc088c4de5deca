import { resolve } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export interface Loaded {
  /** Bytes of what is loaded at first, minified. */
  readonly minified: number;
  readonly gzip: number;
  readonly brotli: number;
  /** Bytes, gzipped, of what is loaded when it is needed. */
  readonly later: number;
}

/** What a page loads for `code`, by a bundler that splits code. The frameworks themselves are not counted. */
export async function bundled(code: string, folder: string): Promise<Loaded> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    stdin: { contents: code, resolveDir: folder, sourcefile: 'page.js' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    splitting: true,
    outdir: 'page',
    write: false,
    metafile: true,
    external: ['react', 'vue'],
    logLevel: 'error',
  });
  const first = new Set(Object.keys(metafile.outputs).filter((path) => metafile.outputs[path]!.entryPoint));
  // `import()` makes an entry of its own.
  for (const path of first) if (!path.endsWith('stdin.js')) first.delete(path);
  for (const path of first)
    for (const { path: next, kind } of metafile.outputs[path]!.imports)
      if (kind === 'import-statement' && metafile.outputs[next]) first.add(next);
  const textOf = (path: string) => outputFiles.find((file) => file.path === resolve(folder, path))!.contents;
  const sum = (paths: Iterable<string>, size: (text: Uint8Array) => number) =>
    [...paths].reduce((sum, path) => sum + size(textOf(path)), 0);
  const gzipped = (text: Uint8Array) => gzipSync(text, { level: 9 }).length;
  return {
    minified: sum(first, (text) => text.length),
    gzip: sum(first, gzipped),
    brotli: sum(first, (text) => brotliCompressSync(text).length),
    later: sum(
      Object.keys(metafile.outputs).filter((path) => !first.has(path)),
      gzipped,
    ),
  };
}
