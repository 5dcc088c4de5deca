import { accessSync, constants, statSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { commandOf } from '../../programs/index.ts';
import type { Config, HandlerConfig } from '../../server/config/index.ts';
import { fastcgiAddress } from '../../server/handlers/index.ts';
import { type Finding, ok, problem } from './finding.ts';

/** Milliseconds to open a connection to an application. */
const PATIENCE = 3_000;

/** Whether each handler's application can be reached, or its program started. Nothing is asked of it. */
export function lookAtHandlers({ handlers }: Pick<Config, 'handlers'>): Promise<Finding[]> {
  return Promise.all(Object.entries(handlers).map(([name, config]) => lookAt(`handler ${name}`, config)));
}

async function lookAt(about: string, { run, url = '' }: HandlerConfig): Promise<Finding> {
  if (run !== undefined) return lookAtProgram(about, commandOf(run)[0]!);
  const to = fastcgiAddress(url)?.to ?? webPlace(new URL(url));
  const place = 'path' in to ? to.path : `${to.host}:${to.port}`;
  const reason = await whyNot(to);
  if (reason === undefined) return ok(about, `${place} accepts connections`);
  return problem(
    about,
    `${place} cannot be reached (${reason}), so everything that it decides is refused`,
    'start the application, or correct the url',
  );
}

function lookAtProgram(about: string, program: string): Finding {
  const places = program.includes('/')
    ? [program]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  if (process.platform === 'win32' || places.some(isExecutable)) return ok(about, `${program} can be started`);
  return problem(
    about,
    `${program} is not there, or is not executable, so everything that it decides is refused`,
    'install it, or correct the command in run',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function webPlace({ protocol, hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

/** Undefined: a connection can be opened. */
function whyNot(to: { host: string; port: number } | { path: string }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(to);
    const end = (reason?: string) => {
      socket.destroy();
      resolve(reason);
    };
    socket
      .setTimeout(PATIENCE, () => end(`no answer within ${PATIENCE / 1_000} s`))
      .once('connect', () => end())
      .once('error', ({ code = 'it failed' }: NodeJS.ErrnoException) => end(code));
  });
}
