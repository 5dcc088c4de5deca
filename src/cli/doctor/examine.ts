import type { LoadedConfig } from '../../server/config/index.ts';
import { addressOf } from '../daemon-address.ts';
import { lookAtCertificates } from './certificates.ts';
import { lookAtDatabases } from './databases.ts';
import { lookAtDevices } from './devices.ts';
import { type Finding, ok, warning } from './finding.ts';
import { lookAtHandlers } from './handlers.ts';
import { lookAtNode, lookAtOpenFiles } from './machine.ts';
import { lookAtFileMode, lookAtPorts, lookAtStore } from './place.ts';
import { lookThroughProxy } from './proxy.ts';
import { proxyLines } from './proxy-lines.ts';

export interface ExamineOptions {
  /** The public address of the daemon, with or without a proxy. */
  readonly url?: string | undefined;
  /** Milliseconds for which a silent connection is watched. */
  readonly wait: number;
  readonly token?: string | undefined;
  /** Certificates of authorities to trust besides the well-known ones, in PEM form. */
  readonly ca?: string | undefined;
}

export interface Examination {
  readonly findings: readonly Finding[];
  /** Lines for the proxy's own configuration; undefined if it is correct. */
  readonly lines: string | undefined;
}

/** Runs every check possible on the daemon's own machine. */
export async function examine(loaded: LoadedConfig, { url, wait, token, ca }: ExamineOptions): Promise<Examination> {
  const { config, file, warnings } = loaded;
  const { findings: ports, isRunning } = await lookAtPorts(config);
  const findings = [
    ok('configuration', file === undefined ? 'no file: the defaults are used' : `${file} has no mistakes`),
    ...warnings.map((sentence) => warning('configuration', sentence, 'change it, unless it is intended')),
    ...lookAtFileMode(file),
    lookAtNode(),
    ...lookAtOpenFiles(config),
    ...ports,
    await lookAtStore(config, isRunning),
    ...lookAtCertificates(config),
    ...(await lookAtHandlers(config)),
    ...(await lookAtDatabases(config)),
    ...(await lookAtDevices(config, isRunning)),
  ];
  if (url === undefined) {
    if (config.proxies.length > 0)
      findings.push(warning('proxy', 'was not checked', 'name the public address with --url https://…'));
    return { findings, lines: undefined };
  }
  const { findings: outside, server } = await lookThroughProxy({ url, wait, token, ca, proxies: config.proxies });
  const site = { name: new URL(url).hostname, backend: new URL(addressOf(config)).host };
  const lines = outside.some(({ isProxys }) => isProxys) ? proxyLines(server, site) : undefined;
  return { findings: [...findings, ...outside], lines };
}
