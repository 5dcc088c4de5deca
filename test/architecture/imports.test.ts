import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { circlesOf, readImportGraph, summaryOf } from './import-graph.ts';

/** Which floors each floor may import. All may import the loose files of `src/`; nothing imports upward. */
const LAW: Readonly<Record<string, readonly string[]>> = {
  stream: [],
  websocket: ['stream'],
  programs: ['stream'],
  protocol: [],
  sqlite: [],
  broker: ['protocol', 'sqlite'],
  nodes: ['broker'],
  hub: ['protocol', 'broker', 'nodes'],
  client: ['protocol'],
  views: ['protocol', 'client'],
  testing: ['protocol', 'broker', 'hub', 'client'],
  sources: ['stream', 'protocol', 'hub'],
  server: ['stream', 'websocket', 'programs', 'protocol', 'sqlite', 'broker', 'nodes', 'hub', 'client', 'sources'],
  cli: ['stream', 'websocket', 'programs', 'protocol', 'broker', 'hub', 'client', 'sources', 'server'],
};

/** What may be imported of a floor beside its own `index.ts`: the command line loads of the daemon what it needs. */
const DOORS: Readonly<Record<string, RegExp>> = {
  server: /^src\/server\/(\w+\/index|daemon|preload)\.ts$/,
  // What a client loads late: tests have it from the start.
  client: /^src\/client\/extras\.ts$/,
};

/** The loose files of `src/` that gather floors, and so may import them. */
const GATHERING: ReadonlySet<string> = new Set(['src/index.ts', 'src/cli.ts']);

const graph = readImportGraph('src');

function floorOf(file: string): string | undefined {
  return /^src\/(\w+)\//.exec(file)?.[1];
}

function isListener(file: string, floor: string): boolean {
  return file === `src/${floor}/index.ts` || DOORS[floor]?.test(file) === true;
}

for (const folder of ['src', 'test', 'web', 'bench'])
  test(`there are no circular imports in ${folder}/, of types or of values`, (t: TestContext) => {
    const graph = readImportGraph(folder);
    t.diagnostic(`${folder}: ${summaryOf(graph)}`);
    assert.ok(graph.imports.size > 10);
    assert.deepEqual(circlesOf(graph), []);
  });

test('each floor imports only the floors below it, through their index.ts', () => {
  const broken: string[] = [];
  for (const [file, targets] of graph.imports)
    for (const target of targets) {
      const [from, to] = [floorOf(file), floorOf(target)];
      if (from === to || to === undefined || GATHERING.has(file)) continue;
      if (from === undefined || !LAW[from]?.includes(to)) broken.push(`${file} may not import ${to}: ${target}`);
      else if (!isListener(target, to)) broken.push(`${file} passes by the door of ${to}: ${target}`);
    }
  assert.deepEqual(broken, []);
});

test('the rooms of the daemon, of the command line and of the sources import each other by their doors', () => {
  const broken: string[] = [];
  // Each transport is a room of its own: the daemon loads the event streams late.
  const roomOf = (file: string) => /^src\/(?:server|cli|sources)\/((?:transports\/)?[\w-]+)\//.exec(file)?.[1];
  for (const [file, targets] of graph.imports)
    for (const target of targets) {
      const room = roomOf(target);
      if (room === undefined || floorOf(file) !== floorOf(target) || room === roomOf(file)) continue;
      // The schema puts the rooms' slices of the configuration together, in a process that ends with it.
      if (file === 'src/server/config/schema.ts' && target === `src/server/${room}/config.ts`) continue;
      if (!target.endsWith(`/${room}/index.ts`)) broken.push(`${file} passes by the door of ${room}: ${target}`);
    }
  assert.deepEqual(broken, []);
});

/** Which rooms of the hub each of its rooms may import; '' are its loose files, of which two gather all of them. */
const HUB: Readonly<Record<string, readonly string[]>> = {
  '': [],
  channels: [''],
  connections: ['', 'channels'],
  verbs: ['', 'channels', 'connections'],
};

test('the hub’s channels know no connection, and its connections no verb', () => {
  const broken: string[] = [];
  const roomOf = (file: string) => /^src\/hub\/(?:([\w-]+)\/)?[\w-]+\.ts$/.exec(file)?.[1] ?? '';
  for (const [file, targets] of graph.imports)
    for (const target of targets) {
      if (floorOf(file) !== 'hub' || floorOf(target) !== 'hub' || /^src\/hub\/(hub|index)\.ts$/.test(file)) continue;
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from !== to && !HUB[from]?.includes(to)) broken.push(`${file} may not import ${target}`);
    }
  assert.deepEqual(broken, []);
});

test('a circle, an upward import and an import that bypasses an index.ts are detected', () => {
  const circle = {
    imports: new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
      ['d', ['a']],
    ]),
  };
  assert.deepEqual(circlesOf(circle), [['a', 'b', 'c']]);
  assert.equal(summaryOf(circle), '4 files, 4 imports, 1 circles of 3 files');
  assert.ok(isListener('src/hub/index.ts', 'hub') && !isListener('src/hub/hub.ts', 'hub'));
});
