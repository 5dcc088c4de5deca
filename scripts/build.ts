/**
 * Builds the package that is published: JavaScript and types of `src/`, the pages of `web/`, and their package.json.
 *
 *   npm run build                     into dist/, in place of what is there
 *   npm run build -- /tmp/somewhere   into a directory that is new or empty
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { bundleSdk } from './bundle-sdk.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

const target = resolve(process.argv[2] ?? DIST);
if (target === DIST) rmSync(DIST, { recursive: true, force: true });
else if (existsSync(target) && readdirSync(target).length > 0) {
  console.error(`${target} is not empty; name a directory that is, or a new one`);
  process.exit(2);
}
compile('tsconfig.build.json');
compile('tsconfig.browser.json', '--noEmit', 'false', '--declaration', 'true', '--rootDir', '.');
copyPages();
await writeSdk();
await bundleProgram();
for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md']) cpSync(join(ROOT, name), join(target, name));
writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedPackage(), null, 2)}\n`);
console.log(`${packageJson.name} ${packageJson.version} is built in ${target}`);

function compile(project: string, ...options: string[]): void {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', project, ...options, '--outDir', target], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}

function copyPages(): void {
  const pages = readdirSync(join(ROOT, 'web'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(html|css|svg)$/.test(name),
  );
  for (const name of pages) cpSync(join(ROOT, 'web', name), join(target, 'web', name));
}

/** In place of the module that only passes the others on. */
async function writeSdk(): Promise<void> {
  const { code, map } = await bundleSdk();
  writeFileSync(join(target, 'web/zocalo.js'), code);
  writeFileSync(join(target, 'web/zocalo.js.map'), map);
}

/**
 * The program itself, in few files: what Node spends on each module that it imports came to 9 MB of an idle daemon.
 * Packages stay outside.
 */
async function bundleProgram(): Promise<void> {
  const source = (path: string) => join(ROOT, 'src', path);
  await build({
    entryPoints: [source('cli/main.ts'), source('cli/config-reader.ts'), source('broker/sqlite-worker.ts')],
    entryNames: '[name]', // side by side: that is how they are looked for
    outdir: join(target, 'src/program'), // two floors below the package, as what looks for its pages from there
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    packages: 'external',
    logLevel: 'warning',
  });
  writeFileSync(join(target, 'src/cli.js'), "#!/usr/bin/env node\nimport './program/main.js';\n");
  const launcher = readFileSync(source('zocalo.mjs'), 'utf8');
  writeFileSync(join(target, packageJson.bin.zocalo), launcher.replace("'./cli.ts'", "'./cli.js'"));
}

/** The repository's package.json, with what only its own development needs left out, and built files for sources. */
function publishedPackage() {
  const { scripts, devDependencies, allowScripts, private: _, ...published } = packageJson;
  return {
    ...published,
    bin: Object.fromEntries(Object.entries(published.bin).map(([name, file]) => [name, built(file, '.js')])),
    exports: Object.fromEntries(
      Object.entries(published.exports).map(([path, file]) => [
        path,
        { types: built(file, '.d.ts'), default: built(file, '.js') },
      ]),
    ),
    files: ['src', 'web', 'CHANGELOG.md'],
  };
}

function built(source: string, ending: string): string {
  return source.replace(/\.ts$/, ending);
}
