import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import type { FileForm } from '../../server/config/index.ts';
import { freeAddress } from '../free-address.ts';
import { invocation } from '../invocation.ts';
import { note, print } from '../terminal.ts';

const EXAMPLES = `
The file has every key with a comment; most are commented out. It contains fresh secrets, so only its owner can read it
(mode 0600). A .json file has no comments.

Examples:
  zocalo init                      zocalo.config.yaml
  zocalo init zocalo.config.ts
  zocalo init /etc/zocalo.yaml --force`;

export function addInit(program: Command): void {
  program
    .command('init')
    .description('write a configuration file with comments and fresh secrets')
    .argument('[file]', 'its name; the extension sets the format: .yaml, .yml, .json or .ts', 'zocalo.config.yaml')
    .option('--force', 'overwrite an existing file')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(file: string, { force = false }: { force?: boolean }): Promise<void> {
  const form = formOf(file);
  const { FILE_NAMES, template } = await import('../../server/config/index.ts');
  const key = newSecret();
  const listen = await freeAddress();
  const text = template(form, {
    listen,
    secret: newSecret(),
    channels: { news: {} },
    chat: false, // in the demo anyone may write
    api: { keys: [{ name: 'first', key, can: ['admin'] }] },
  });
  await write(file, text, force);
  const flag = FILE_NAMES.includes(file) ? '' : ` --config ${file}`;
  await print(`${file} is written. Now start the daemon:

  ${invocation()} serve${flag}

and publish something from anywhere on this machine:

  curl -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
    -d '{"channel":"news","data":{"title":"Hola"}}' ${listen}/api/publish

The admin page, ${listen}/admin, takes the same key, which is for everything: give your application one of
its own, which can only publish. The demo chat is off; chat: true shows it at ${listen}/.
`);
  if (!listen.endsWith(':9000')) note('Port 9000 is taken by another program here, so the file has another one.');
}

function formOf(file: string): FileForm {
  const [, ending = ''] = /\.(ya?ml|json|ts)$/.exec(file) ?? [];
  if (ending === 'json' || ending === 'ts') return ending;
  if (ending !== '') return 'yaml';
  throw new ZocaloError('BAD_OPTION', `${file} is not a name for a configuration file`, {
    advice: 'name one that ends in .yaml, .yml, .json or .ts',
  });
}

/** 256 bits. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Replaces an earlier file at once, so that the new secrets are never in a file with a wider mode. */
async function write(file: string, text: string, force: boolean): Promise<void> {
  const target = force ? `${file}.${process.pid}.new` : file;
  try {
    const handle = await open(target, 'wx', 0o600);
    await handle.writeFile(text).finally(() => handle.close());
    if (force) await rename(target, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (force) await rm(target, { force: true });
    if (code === 'EEXIST')
      throw new ZocaloError('BAD_OPTION', `${file} exists already`, {
        advice: 'choose another name, or add --force',
      });
    throw new ZocaloError('BAD_OPTION', `${file} cannot be written (${code})`, {
      advice: 'choose a place that you may write to',
      cause: error,
    });
  }
}
