import { readFileSync } from 'node:fs';
import type { Config } from '../../server/config/index.ts';
import { type Finding, ok, warning } from './finding.ts';

/** As `engines` in package.json. */
const NODE: readonly [number, number] = [22, 18];
/** For the log's files, the listeners, and other files of a process. */
const SPARE = 100;

export function lookAtNode(versions: Partial<Record<string, string>> = process.versions): Finding {
  const { node: version = '', bun, deno } = versions;
  const other = bun ? `, as which Bun ${bun} runs it` : deno ? `, as which Deno ${deno} runs it` : '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  if (isNew) return ok('Node', `version ${version}${other}`);
  return warning('Node', `version ${version} is too old`, `install ${NODE.join('.')} or newer`);
}

/** Each connection is an open file. */
export function lookAtOpenFiles({ limits }: Pick<Config, 'limits'>, most = openFiles()): Finding[] {
  if (most === undefined) return [];
  if (most >= limits.connections + SPARE) return [ok('open files', `this process may open ${most}`)];
  const sentence = `this process may open ${most}, and limits.connections is ${limits.connections}`;
  const fix = `raise it (ulimit -n ${limits.connections + SPARE}; LimitNOFILE= in a systemd unit), or lower the limit`;
  return [warning('open files', sentence, fix)];
}

/** Undefined where the system does not tell. Node raises the soft limit to the hard one. */
function openFiles(): number | undefined {
  try {
    const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return hard === 'unlimited' ? Number.POSITIVE_INFINITY : hard === undefined ? undefined : Number(hard);
  } catch {
    return undefined;
  }
}
