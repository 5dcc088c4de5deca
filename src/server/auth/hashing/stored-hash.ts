import { randomBytes } from 'node:crypto';

/** A hash as PHP's `password_hash` writes it, which Laravel and others use. */
export interface StoredHash {
  /** Everything that decides how long a check takes: `$2y$12$`, `$argon2id$v=19$m=65536,t=4,p=1$`. */
  readonly cost: string;
  readonly text: string;
}

/** crypt(5): salt and hash without a mark between them. The last character of the salt has four unused bits. */
const BCRYPT = /^(\$2[aby]\$(\d\d)\$)[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}$/;
/** RFC 9106, in the form of its reference program: https://github.com/P-H-C/phc-winner-argon2 */
const ARGON2 =
  /^(\$argon2id?\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$)([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/**
 * The most that a check may cost, since somebody who can write to the table could else stop all logins: some four times what
 * PHP and OWASP's Password Storage Cheat Sheet choose. Memory in KiB.
 */
const MOST = { bcrypt: 14, memory: 256 << 10, work: 1 << 20, lanes: 16 } as const;
/** The least that the algorithms allow (RFC 9106 §3.1). */
const LEAST = { bcrypt: 4, memoryPerLane: 8 } as const;

/** What Laravel writes. */
const USUAL_COST = '$2y$12$';

/** Undefined: another form, or one that costs too much. */
export function readHash(text: string): StoredHash | undefined {
  const [, bcrypt, rounds] = BCRYPT.exec(text) ?? [];
  if (bcrypt !== undefined) {
    const isFit = Number(rounds) >= LEAST.bcrypt && Number(rounds) <= MOST.bcrypt;
    return isFit ? { cost: bcrypt, text } : undefined;
  }
  const [, argon2, ...numbers] = ARGON2.exec(text) ?? [];
  if (argon2 === undefined) return undefined;
  const [memory = 0, passes = 0, lanes = 0] = numbers.map(Number);
  const isLeast = passes >= 1 && lanes >= 1 && memory >= lanes * LEAST.memoryPerLane;
  const isMost = lanes <= MOST.lanes && memory <= MOST.memory && memory * passes <= MOST.work;
  return isLeast && isMost ? { cost: argon2, text } : undefined;
}

/** A hash that no password has. To check it takes as long as any of that cost. */
export function dummyHash(cost: string = USUAL_COST): string {
  const text = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  if (cost.startsWith('$argon2')) return `${cost}${text(16)}$${text(32)}`;
  return `${cost}${text(16).slice(0, 21).replaceAll('+', '.')}.${text(24).slice(0, 31).replaceAll('+', '.')}`;
}

/** The cost that most of these hashes have. */
export function usualCost(hashes: readonly string[]): string | undefined {
  const known = hashes.map(readHash).filter((hash) => hash !== undefined);
  const groups = Map.groupBy(known, ({ cost }) => cost);
  return [...groups].toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0];
}
