import { accessSync, existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { ZocaloError } from '../errors.ts';

/** What `spawn` failed with, as PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE or PROGRAM_FAILED_TO_START. */
export function startError(cause: unknown, command: readonly string[], cwd: string | undefined): ZocaloError {
  const [program = ''] = command;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    if (cwd !== undefined && !existsSync(cwd))
      return new ZocaloError('PROGRAM_NOT_FOUND', `${program} cannot be started in ${cwd}, which does not exist`, {
        cause,
        advice: 'check the path of the folder',
      });
    const file = find(program, cwd);
    if (file !== undefined)
      return new ZocaloError('PROGRAM_NOT_FOUND', `the interpreter in the first line of ${file} was not found`, {
        cause,
        advice: 'install it, or correct that line (with \\n alone at its end, not \\r\\n)',
      });
    return new ZocaloError('PROGRAM_NOT_FOUND', `the program ${program} was not found`, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM')
    return new ZocaloError('PROGRAM_NOT_EXECUTABLE', `${program} is not executable`, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ZocaloError('PROGRAM_FAILED_TO_START', `the program ${program} could not be started: ${reason}`, {
    cause,
  });
}

/** Checks that there is such a program, for those who start it later. @throws ZocaloError PROGRAM_NOT_FOUND. */
export function checkProgram([program = '']: readonly string[], cwd?: string): void {
  if (process.platform === 'win32' || find(program, cwd) !== undefined) return; // .exe, .cmd: left to the system
  throw new ZocaloError('PROGRAM_NOT_FOUND', `the program ${program} was not found`);
}

/** The file that a program's name means, if there is one. */
function find(program: string, cwd = '.'): string | undefined {
  const places = program.includes('/')
    ? [resolve(cwd, program)]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  return places.find((place) => {
    try {
      accessSync(place);
      return true;
    } catch {
      return false;
    }
  });
}
