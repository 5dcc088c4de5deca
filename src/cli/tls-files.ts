import { readFileSync } from 'node:fs';
import { ZocaloError } from '../errors.ts';

export interface TlsFiles {
  cert?: string;
  key?: string;
  ca?: string;
}

/** The contents of the given files. */
export function readTlsFiles(files: { [name in keyof TlsFiles]: string | undefined }): TlsFiles {
  const given = (['cert', 'key', 'ca'] as const).filter((name) => files[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, readPem(name, files[name]!)]));
}

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    const happened = `the file of --${name}, ${path}, cannot be read (${why})`;
    throw new ZocaloError('BAD_OPTION', happened, { advice: 'name a readable file in PEM form', cause: error });
  }
}
