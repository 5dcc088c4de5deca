import { randomBytes } from 'node:crypto';

/** The name of a new log: 72 random bits, so that no two logs anywhere share one. */
export function newEpoch(): string {
  return randomBytes(9).toString('base64url');
}
