/**
 * Builds the package that is published: JavaScript and types of `src/`, the pages of `web/`, and their package.json.
 *
 *   npm run build                     into dist/, in place of what is there
 *   npm run build -- /tmp/somewhere   into a directory that is new or empty
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { bundleSdk } from './bundle-sdk.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** What is read, and goes into the package as it is. */
const DOCUMENTS = ['README.md', 'LICENSE', 'CHANGELOG.md', 'docs', 'examples', 'deploy'];

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
const bundled = await bundleProgram();
writeNotices(bundled);
for (const name of DOCUMENTS) cpSync(join(ROOT, name), join(target, name), { recursive: true });
unlinkWhatIsAbsent();
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

/** In the package's pages a link to what only the repository has, such as a test, becomes its text. */
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

/** In place of the module that only passes the others on. */
async function writeSdk(): Promise<void> {
  const { code, map } = await bundleSdk();
  writeFileSync(join(target, 'web/zocalo.js'), code);
  writeFileSync(join(target, 'web/zocalo.js.map'), map);
}

/**
 * The program itself, with the packages that it uses, each process in one file. So whatever is needed late is evaluated
 * from memory, and works at the limit of open files and after the package was replaced by a newer one; and an idle
 * daemon has neither what Node spends on each module that it imports (9 MB for our own, 16 MB for those of packages) nor
 * what was not asked for yet.
 */
async function bundleProgram(): Promise<string[]> {
  const source = (path: string) => join(ROOT, 'src', path);
  const names = ['cli/main.ts', 'cli/early-signals.ts', 'cli/config-reader.ts', 'broker/sqlite-worker.ts'];
  const { metafile } = await build({
    entryPoints: names.map(source),
    entryNames: '[name]', // side by side: that is how they are looked for
    outdir: join(target, 'src/program'), // two floors below the package, as what looks for its pages from there
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
        // An `import` of Node's own modules would be done at the start for all the parts, and read all that they export:
        // an import of node:http loads the whole of fetch.
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
        // Messages in fifty languages, of which nothing here asks for any.
        name: 'locales',
        setup: ({ onLoad }) => onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: 'export {};' })),
      },
      {
        // It runs before the program is read, and the program finds what it heard.
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
  if (!load.test(launcher)) throw new Error('src/zocalo.mjs loads the program in another way than the build expects');
  const start = "    await import('./program/early-signals.js');\n    await import('./program/main.js');";
  writeFileSync(join(target, 'src/cli.js'), launcher.replace(load, start));
  writeFileSync(join(target, packageJson.bin.zocalo), "#!/usr/bin/env node\nimport './cli.js';\n");
  const packages = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(packages.filter((name) => name !== undefined))].sort();
}

/** The licenses of what is bundled, which ask to go with every copy. */
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

/** The repository's package.json, with what only its own development needs left out, and built files for sources. */
function publishedPackage() {
  const { scripts, devDependencies, allowScripts, private: _, ...published } = packageJson;
  // The types of the configuration are zod's.
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
    files: ['src', 'web', 'docs', 'examples', 'deploy', 'CHANGELOG.md', 'THIRD-PARTY-LICENSES.md'],
  };
}

function built(source: string, ending: string): string {
  return source.replace(/\.ts$/, ending);
}
