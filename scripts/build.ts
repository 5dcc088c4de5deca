/**
 * Builds the two packages that are published: `zocalo`, which has JavaScript and types of `src/` and the pages of `web/`,
 * and `zocalo-client`, which has the client alone.
 *
 * `npm run build` replaces the contents of dist/ and dist-client/. `npm run build -- FOLDER [CLIENT_FOLDER]` builds into
 * directories that are new or empty; without the second one, only `zocalo`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { bundleSdk } from './bundle-sdk.ts';
import { buildClient } from './client-package.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** Files and folders that are copied into the package unchanged. */
const DOCUMENTS = ['README.md', 'LICENSE', 'CHANGELOG.md', 'docs', 'examples', 'php', 'deploy'];

const [folder, clientFolder] = process.argv.slice(2);
const target = folder === undefined ? cleared(join(ROOT, 'dist')) : empty(folder);
const clientTarget = folder === undefined ? cleared(join(ROOT, 'dist-client')) : clientFolder && empty(clientFolder);
compile('tsconfig.build.json');
compile('tsconfig.browser.json', '--noEmit', 'false', '--declaration', 'true', '--rootDir', '.');
copyPages();
await writeSdk();
const bundled = await bundleProgram();
writeNotices(bundled);
for (const name of DOCUMENTS) cpSync(join(ROOT, name), join(target, name), { recursive: true });
unlinkWhatIsAbsent();
writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedPackage(), null, 2)}\n`);
console.log(`${packageJson.name} ${packageJson.version} is built in ${target}`);
if (clientTarget) {
  await buildClient(clientTarget);
  console.log(`zocalo-client ${packageJson.version} is built in ${clientTarget}`);
}

function cleared(path: string): string {
  rmSync(path, { recursive: true, force: true });
  return path;
}

function empty(path: string): string {
  const absolute = resolve(path);
  if (!existsSync(absolute) || readdirSync(absolute).length === 0) return absolute;
  console.error(`${absolute} is not empty; name a directory that is, or a new one`);
  process.exit(2);
}

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

/** Replaces links in the package's documents by their text when their target, such as a test, is only in the repository. */
function unlinkWhatIsAbsent(): void {
  const pages = DOCUMENTS.flatMap((name) =>
    statSync(join(target, name)).isFile()
      ? name
      : readdirSync(join(target, name), { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)),
  ).filter((name) => name.endsWith('.md'));
  for (const name of pages) {
    const page = join(target, name);
    const text = readFileSync(page, 'utf8').replaceAll(
      /\[([^\]]+)\]\(([^)#\s:]+)(?:#[^)\s]*)?\)/g,
      (link, words, path) => (existsSync(resolve(dirname(page), path)) ? link : words),
    );
    writeFileSync(page, text);
  }
}

/** Replaces the module that only re-exports the others. */
async function writeSdk(): Promise<void> {
  const { code, map } = await bundleSdk();
  writeFileSync(join(target, 'web/zocalo.js'), code);
  writeFileSync(join(target, 'web/zocalo.js.map'), map);
}

/**
 * Bundles the program and the packages that it uses into one file per process. So modules that are needed late are
 * evaluated from memory: that works at the limit of open files, and after the package was replaced by a newer one. An
 * idle daemon also saves what Node needs for each imported module (9 MB for our own, 16 MB for those of packages), and
 * modules that are not used yet.
 */
async function bundleProgram(): Promise<string[]> {
  const source = (path: string) => join(ROOT, 'src', path);
  const names = [
    'cli/main.ts',
    'cli/early-signals.ts',
    'cli/config-reader.ts',
    'broker/sqlite-worker.ts',
    'server/auth/hashing/hash-worker.ts',
  ];
  const { metafile } = await build({
    entryPoints: names.map(source),
    entryNames: '[name]', // side by side, as the program expects them
    outdir: join(target, 'src/program'), // two levels below the package, as the lookup of the pages expects
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    metafile: true,
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
    plugins: [
      {
        // An `import` of a Node module would be evaluated at the start, with everything that it exports: node:http
        // loads all of fetch.
        name: 'builtins',
        setup: ({ onResolve, onLoad }) => {
          onResolve({ filter: /^node:|^[a-z_/0-9]+$/ }, ({ path }) =>
            isBuiltin(path) ? { path: path.replace(/^node:/, ''), namespace: 'builtin' } : undefined,
          );
          onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
            contents: `module.exports = process.getBuiltinModule('node:${path}');`,
          }));
        },
      },
      {
        // Messages in fifty languages, which are not used here.
        name: 'locales',
        setup: ({ onLoad }) => onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: 'export {};' })),
      },
      {
        // It runs before the program is loaded, and the program takes over the signals that it received.
        name: 'early-signals',
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/early-signals\.ts$/ }, ({ kind }) =>
            kind === 'entry-point' ? undefined : { path: './early-signals.js', external: true },
          ),
      },
    ],
  });
  // Both names start with the check of Node's version.
  const launcher = readFileSync(source('zocalo.mjs'), 'utf8');
  const load = /^ *const program = new URL.*\n.*import\(program\.href\);$/m;
  if (!load.test(launcher)) throw new Error('src/zocalo.mjs loads the program in a way that the build does not expect');
  const start = "    await import('./program/early-signals.js');\n    await import('./program/main.js');";
  writeFileSync(join(target, 'src/cli.js'), launcher.replace(load, start));
  writeFileSync(join(target, packageJson.bin.zocalo), "#!/usr/bin/env node\nimport './cli.js';\n");
  const packages = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(packages.filter((name) => name !== undefined))].sort();
}

/** The licenses of the bundled packages, which must accompany every copy. */
function writeNotices(packages: readonly string[]): void {
  const notices = packages.map((name) => {
    const folder = join(ROOT, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const license = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    if (license === undefined) throw new Error(`${name} has no file with its license`);
    return `## ${name} ${version}\n\n${readFileSync(join(folder, license), 'utf8').trim()}\n`;
  });
  writeFileSync(join(target, 'THIRD-PARTY-LICENSES.md'), `# Packages in src/program\n\n${notices.join('\n')}`);
}

/** The repository's package.json without what is only for development, and with built files instead of sources. */
function publishedPackage() {
  const { scripts, devDependencies, allowScripts, private: _, ...published } = packageJson;
  // The types of the configuration come from zod.
  const isNeeded = ([name]: [string, string]) => name === 'zod' || !bundled.includes(name);
  return {
    ...published,
    dependencies: Object.fromEntries(Object.entries(published.dependencies).filter(isNeeded)),
    bin: Object.fromEntries(Object.entries(published.bin).map(([name, file]) => [name, built(file, '.js')])),
    exports: Object.fromEntries(
      Object.entries(published.exports).map(([path, file]) => [
        path,
        { types: built(file, '.d.ts'), default: built(file, '.js') },
      ]),
    ),
    files: ['src', 'web', 'docs', 'examples', 'php', 'deploy', 'CHANGELOG.md', 'THIRD-PARTY-LICENSES.md'],
  };
}

function built(source: string, ending: string): string {
  return source.replace(/\.ts$/, ending);
}
