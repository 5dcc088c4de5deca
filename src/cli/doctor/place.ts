import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { ZocaloError } from '../../errors.ts';
import type { Config } from '../../server/config/index.ts';
import { inspectStore } from '../../server/stores/index.ts';
import { toZocaloError } from '../../stream/index.ts';
import { addressOf } from '../daemon-address.ts';
import { callDaemon } from '../daemon-call.ts';
import { type Finding, failure, ok, problem, warning } from './finding.ts';

/** Checks whether each address is free, or used by the daemon itself (`isRunning`). */
export async function lookAtPorts({
  listen,
}: Pick<Config, 'listen'>): Promise<{ findings: Finding[]; isRunning: boolean }> {
  const findings: Finding[] = [];
  let isRunning = false;
  for (const address of [listen].flat()) {
    const error = await tryToListen(address);
    if (error === undefined) findings.push(ok('port', `${address} is free`));
    else if (error.code === 'ADDRESS_IN_USE' && (await answers(address))) {
      isRunning = true;
      findings.push(ok('port', `${address}: a zocalo answers there`));
    } else findings.push(failure('port', error));
  }
  return { findings, isRunning };
}

async function tryToListen(address: string): Promise<ZocaloError | undefined> {
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, '');
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject).listen(Number(port || (protocol === 'https:' ? 443 : 80)), host, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return undefined;
  } catch (error) {
    return toZocaloError(error, address);
  }
}

async function answers(listen: string): Promise<boolean> {
  try {
    const answer = (await callDaemon({ url: addressOf({ listen }) }, '/api/whoami')) as { address?: unknown };
    return typeof answer.address === 'string';
  } catch (error) {
    // The certificate is only for the public name: a server is there, and speaks TLS.
    return error instanceof ZocaloError && error.code === 'CERTIFICATE_NOT_TRUSTED';
  }
}

/** Checks whether the store can be used, and no other process uses it. */
export async function lookAtStore({ store }: Pick<Config, 'store'>, isRunning: boolean): Promise<Finding> {
  const { level, sentence, advice = '', error } = await inspectStore(store, isRunning);
  if (error !== undefined) return failure('store', error);
  if (level === 'ok') return ok('store', sentence);
  return level === 'warning' ? warning('store', sentence, advice) : problem('store', sentence, advice);
}

/** Secrets must not be readable by others. */
export function lookAtFileMode(file: string | undefined): Finding[] {
  if (file === undefined || process.platform === 'win32') return [];
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o007) === 0) return [];
  return [warning('configuration', `${file} can be read by every user of this machine`, `chmod 600 ${file}`)];
}
