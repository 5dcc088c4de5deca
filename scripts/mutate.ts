import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EQUIVALENTS } from './mutation/equivalent.ts';
import { REMOVALS, remove } from './mutation/removals.ts';
import { mutate, type Plan } from './mutation/run.ts';

/**
 * The folders, and the tests that cover each of them: no type checker among them, since a changed file has lost its types.
 */
const PLANS: Readonly<Record<string, Plan>> = {
  hub: {
    files: ['src/hub/**/*.ts'],
    tests: ['test/hub/*.test.ts'],
    wider: [
      'test/docs.test.ts',
      'test/client/{answer,follow}.test.ts',
      'test/server/hub*.test.ts',
      'test/server/nodes/users.test.ts',
      'test/server/api/*.test.ts',
      'test/server/webhooks/*.test.ts',
    ],
  },
  broker: {
    files: ['src/broker/*.ts'],
    tests: ['test/broker/*.test.ts', 'test/contract/*.test.ts'],
    wider: ['test/hub/*.test.ts'],
  },
  redis: {
    files: ['src/broker/redis/*.ts'],
    tests: ['test/broker/redis/{addresses,contract,keys,nodes,refusals,told}.test.ts'],
    wider: ['test/broker/redis/{away,cluster*,loading,sentinel,tls,valkey}.test.ts', 'test/contract/queues.test.ts'],
  },
  nodes: {
    files: ['src/nodes/**/*.ts'],
    tests: ['test/contract/membership.test.ts', 'test/nodes/redis/*.test.ts'],
    wider: ['test/hub/*.test.ts', 'test/server/nodes/*.test.ts'],
  },
  websocket: {
    files: ['src/websocket/**/*.ts'],
    tests: ['test/websocket/**/*.test.ts'],
    wider: ['test/docs.test.ts', 'test/conformance/*.test.ts', 'test/server/hub*.test.ts'],
  },
  auth: {
    files: ['src/server/auth/**/*.ts'],
    tests: ['test/server/auth/*.test.ts'],
    wider: ['test/server/handlers/connect.test.ts', 'test/server/api/*.test.ts', 'test/server/daemon.test.ts'],
  },
  client: {
    files: ['src/client/**/*.ts'],
    tests: ['test/client/*.test.ts'],
    wider: ['test/server/hub-client.test.ts'],
  },
};

const HELP = `npm run mutate -- [options]
  --folder <name>   ${Object.keys(PLANS).join(', ')}; may be given more than once (all)
  --files <glob>    only these files of the folders
  --count <number>  how many mutants per folder (10)
  --seed <number>   which ones: the same seed chooses the same ones (the clock)
  --jobs <number>   how many mutants are tried at the same time (1)
  --without <name>  take a whole mechanism away: ${Object.keys(REMOVALS).join(', ')}, or all; ends with 1 when no test notices
  --near            run only the tests of the folder, not the wider ones for mutants that survive these`;

const { values } = parseArgs({
  options: {
    folder: { type: 'string', multiple: true, default: Object.keys(PLANS) },
    files: { type: 'string', multiple: true },
    count: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    jobs: { type: 'string', default: '1' },
    without: { type: 'string', multiple: true },
    near: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const unknown = values.folder.find((name) => !PLANS[name]);
if (values.help || unknown !== undefined) {
  console.log(unknown === undefined ? HELP : `${unknown} is not a folder that is mutated\n${HELP}`);
  process.exit(values.help ? 0 : 2);
}
const root = join(import.meta.dirname, '..');
if (values.without) {
  const names = values.without.includes('all') ? Object.keys(REMOVALS) : values.without;
  const other = names.find((name) => !REMOVALS[name]);
  if (other !== undefined) {
    console.log(`${other} is nothing that is taken away\n${HELP}`);
    process.exit(2);
  }
  process.exit((await remove(root, names, console.log)) ? 0 : 1);
}
console.log(`seed ${values.seed}`);
await mutate({
  root,
  plans: Object.fromEntries(
    values.folder.map((name) => {
      const plan = PLANS[name]!;
      return [name, { ...plan, files: values.files ?? plan.files, wider: values.near ? [] : plan.wider }];
    }),
  ),
  equivalents: EQUIVALENTS,
  count: Number(values.count),
  seed: Number(values.seed),
  jobs: Number(values.jobs),
  print: console.log,
});
