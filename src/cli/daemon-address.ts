import type { Config } from '../server/config/index.ts';

/** The address of a configuration's daemon from this machine: `http://127.0.0.1:9000`. */
export function addressOf({ listen }: Pick<Config, 'listen'>): string {
  const url = new URL([listen].flat()[0]!);
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  return url.origin;
}
