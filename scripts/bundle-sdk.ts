import { resolve } from 'node:path';
import { build } from 'esbuild';

const ENTRY = resolve(import.meta.dirname, '../src/client/index.ts');

/** The SDK as one minified ES module, and its source map. */
export async function bundleSdk(): Promise<{ code: string; map: string }> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    // What has private fields (2021) has all that esbuild would otherwise write out.
    target: 'es2022',
    minify: true,
    sourcemap: 'linked',
    write: false,
    outfile: 'zocalo.js',
  });
  const [map, code] = outputFiles.toSorted((a, b) => b.path.length - a.path.length);
  return { code: code!.text, map: map!.text };
}
