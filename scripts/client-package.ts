import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { bundleClassic } from './bundle-sdk.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** What can be imported: the path after `zocalo-client`, and its module. */
const ENTRIES: Readonly<Record<string, string>> = {
  '.': './client/index',
  './bytes': './client/bytes',
  './fallback': './client/fallback',
  './views': './views/index',
  './react': './views/react',
  './vue': './views/vue',
  './svelte': './views/svelte',
};

/** Those who import `zocalo-client/react` have React already. */
const PEERS = ['react', 'vue'] as const;

/** For `<script src>`: the global `Zocalo`. */
const CLASSIC = 'zocalo.min.js';

/**
 * Builds `zocalo-client` into an empty folder: the client alone, for a page that needs no server. It is the same as
 * `zocalo/client`, from the same sources, and depends on nothing. Its modules stay apart, so that a bundler leaves out
 * what a page does not use; the file for `<script src>` has them all.
 */
export async function buildClient(target: string): Promise<void> {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.client.json', '--outDir', target], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const { code, map } = await bundleClassic(CLASSIC);
  writeFileSync(join(target, CLASSIC), code);
  writeFileSync(join(target, `${CLASSIC}.map`), map);
  for (const name of ['LICENSE', 'CHANGELOG.md']) cpSync(join(ROOT, name), join(target, name));
  cpSync(join(ROOT, 'src/client/README.md'), join(target, 'README.md'));
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published(), null, 2)}\n`);
}

function published() {
  const { version, license } = packageJson;
  const exported = Object.entries(ENTRIES).map(([path, module]) => [
    path,
    { types: `${module}.d.ts`, default: `${module}.js` },
  ]);
  return {
    name: 'zocalo-client',
    version,
    description: 'The client of Zócalo for pages, workers and Node: channels that lose nothing. No dependencies.',
    keywords: ['websocket', 'realtime', 'pubsub', 'presence', 'chat', 'client'],
    license,
    type: 'module',
    sideEffects: false,
    exports: { ...Object.fromEntries(exported), './package.json': './package.json' },
    peerDependencies: Object.fromEntries(PEERS.map((name) => [name, packageJson.peerDependencies[name]])),
    peerDependenciesMeta: Object.fromEntries(PEERS.map((name) => [name, { optional: true }])),
    unpkg: `./${CLASSIC}`,
    jsdelivr: `./${CLASSIC}`,
  };
}
