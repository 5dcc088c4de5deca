/** A thread that compares passwords with hashes: that takes up to seconds, and must not stop the event loop. */
import { parentPort } from 'node:worker_threads';
import { argon2Verify, bcryptVerify } from 'hash-wasm';

export interface HashQuestion {
  readonly password: string;
  /** One that `readHash` accepts. */
  readonly hash: string;
}
/** One for each question, in their order. */
export type HashAnswer = { readonly isRight: boolean } | { readonly failure: string };

/** Bytes of a password that bcrypt reads. PHP ignores the others too. */
const BCRYPT_BYTES = 72;

const port = parentPort!;
const answer = (message: HashAnswer) => port.postMessage(message);

async function verify({ password, hash }: HashQuestion): Promise<boolean> {
  const bytes = Buffer.from(password);
  // An empty password, or one with a NUL, at which PHP's bcrypt stops to read, is never right. The work is the same.
  const isFit = bytes.length > 0 && !bytes.includes(0);
  const given = isFit ? bytes : Buffer.of(1);
  const isRight = hash.startsWith('$argon2')
    ? await argon2Verify({ password: given, hash })
    : await bcryptVerify({ password: given.subarray(0, BCRYPT_BYTES), hash });
  return isRight && isFit;
}

port.on('message', (question: HashQuestion) =>
  verify(question).then(
    (isRight) => answer({ isRight }),
    (error: Error) => answer({ failure: error.message }),
  ),
);
