import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { ZocaloError } from '../../errors.ts';

/** A password as it is stored. */
export interface PasswordHash {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

export type Scrypt = (password: string, salt: Uint8Array, cost: { n: number; r: number; p: number }) => Promise<Buffer>;

/**
 * One of the equally strong choices of OWASP's Password Storage Cheat Sheet. This one needs 32 MiB for each check, so
 * that a small machine can do two at a time.
 */
export const COST = { n: 2 ** 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const CHARACTERS = { least: 8, most: 1_024 } as const;

/** Runs on a thread of Node's pool, beside the event loop. */
export const systemScrypt: Scrypt = (password, salt, { n, r, p }) =>
  new Promise((resolve, reject) => {
    const options = { N: n, r, p, maxmem: 2 * 128 * n * r };
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, hash) =>
      error ? reject(error) : resolve(hash),
    );
  });

/** @throws ZocaloError BAD_OPTION for a password that is too short or too long. */
export async function hashPassword(password: string, derive: Scrypt): Promise<PasswordHash> {
  if (password.length < CHARACTERS.least || password.length > CHARACTERS.most) {
    throw new ZocaloError('BAD_OPTION', 'the password cannot be used', {
      advice: `give one of ${CHARACTERS.least} to ${CHARACTERS.most} characters`,
    });
  }
  const salt = randomBytes(SALT_BYTES);
  return { salt, hash: await derive(password, salt, COST), ...COST };
}

/** Compared with when there is no such user, so that the answer takes as long. No password has this hash. */
const NOBODY: PasswordHash = { salt: randomBytes(SALT_BYTES), hash: new Uint8Array(HASH_BYTES), ...COST };

/** Does the same work for an unknown user (undefined). A password that is too long is wrong. */
export async function isPassword(password: string, known: PasswordHash | undefined, derive: Scrypt): Promise<boolean> {
  const { hash, salt, n, r, p } = known ?? NOBODY;
  const derived = await derive(password.slice(0, CHARACTERS.most), salt, { n, r, p });
  return timingSafeEqual(derived, hash) && known !== undefined && password.length <= CHARACTERS.most;
}
