import type { Command } from 'commander';
import type { Finding } from '../doctor/index.ts';
import { print } from '../terminal.ts';
import { readTlsFiles } from '../tls-files.ts';
import { addConfigFile, loadFrom } from './config-options.ts';
import { caOption, parseDaemonUrl, parseDuration } from './options.ts';
import { mintToken } from './token.ts';

const EXAMPLES = `
Checks the configuration, the port, the store, the certificates, the machine, handlers and databases, and with --url the
daemon as the public sees it: does a WebSocket get through the proxy, is the client's address passed on, is a silent connection closed? Each
problem comes with how to fix it. Exits with 1 if there is a problem; a warning does not count.

Examples:
  zocalo doctor
  zocalo doctor --url https://chat.example.org --wait 75s`;

interface Options {
  config?: string;
  url?: string;
  ca?: string;
  wait: number;
}

/** Milliseconds, for the token that is used to watch a silent connection. */
const TOKEN_LIFE = 3_600_000;

export function addDoctor(program: Command): void {
  addConfigFile(program.command('doctor').description('find problems of the daemon and the proxy, and how to fix them'))
    .option('--url <url>', 'the public address of the daemon: https://chat.example.org', parseDaemonUrl)
    .addOption(caOption())
    .option('--wait <duration>', 'how long a silent connection must survive', parseDuration, 1_000)
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run({ config: file, url, wait, ca }: Options): Promise<void> {
  const loaded = await loadFrom({ ...(file !== undefined && { config: file }) });
  const { examine } = await import('../doctor/index.ts');
  const { secret } = loaded.config;
  const claims = { user: 'zocalo-doctor', rights: {}, expiresIn: TOKEN_LIFE, isInternal: true };
  const token = secret && (await mintToken(secret, claims));
  const { findings, lines } = await examine(loaded, { url, wait, token, ...readTlsFiles({ ca }) });
  await print(findings.map(asText).join(''));
  if (lines !== undefined) await print(`\n${lines}`);
  if (findings.some(({ level }) => level === 'problem')) process.exitCode = 1;
}

function asText({ level, about, sentence, fix }: Finding): string {
  const line = `${level.padEnd(7)}  ${about}: ${sentence}\n`;
  return fix === undefined ? line : `${line}         ${fix}\n`;
}
