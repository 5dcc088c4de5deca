import { Buffer } from 'node:buffer';
import { constants, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';

/** An empty block marked as the last: it tells zlib that a message ended between two blocks, not inside one. */
const LAST = [0x03, 0x00];
/** The tail that the sender removed from a message (RFC 7692 §7.2.2): the rest of an empty block. */
const TAKEN_OFF = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** The second is for a sender that did not remove it. */
const TAILS = [Buffer.from([...TAKEN_OFF, ...LAST]), Buffer.from(LAST)];
/** What deflate can refer back to, in bytes. */
const WINDOW = 32 * 1024;
/**
 * How many blocks of one message may be marked as the last; each costs another zlib call. Usual senders make one at
 * most.
 */
const MOST_ENDS = 64;
const NOTHING = Buffer.alloc(0);

/** What zlib returns with the option `info`: the output, and how much input it consumed. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** One call of zlib. */
type Call = readonly [input: Buffer, options: ZlibOptions];

/**
 * Inflates a message in as many zlib calls as it takes: zlib stops after a block marked as the last, but the message
 * may go on (RFC 7692 §7.2.3.5).
 */
function* inflation(
  bytes: Buffer,
  tail: Buffer,
  limit: number,
  context: Buffer | undefined,
): Generator<Call, Buffer, Inflated> {
  const parts: Buffer[] = [];
  let size = 0;
  let dictionary = context;
  let rest = Buffer.concat([bytes, tail]);
  for (;;) {
    const options = {
      info: true,
      // zlib accepts no limit of 0.
      maxOutputLength: Math.max(1, limit - size),
      ...(dictionary?.length ? { dictionary } : {}),
    };
    const { buffer, engine } = yield [rest, options];
    parts.push(buffer);
    size += buffer.length;
    if (size > limit) throw tooLarge();
    const left = rest.length - tail.length - engine.bytesWritten;
    const isOver = engine.bytesWritten === rest.length;
    if (isOver && buffer.subarray(-4).equals(TAKEN_OFF)) {
      // Either these four bytes are data, or a block was cut off and the tail has filled the gap.
      const alone = yield [rest.subarray(0, -tail.length), { ...options, finishFlush: constants.Z_SYNC_FLUSH }];
      if (alone.buffer.length < buffer.length) throw cutOff();
    }
    if (isOver || left === 0) return parts.length === 1 ? buffer : Buffer.concat(parts, size);
    if (left < 0) throw cutOff();
    if (parts.length >= MOST_ENDS) throw new Error(`over ${MOST_ENDS} of its blocks are marked as the last`);
    dictionary = Buffer.concat(dictionary ? [dictionary, buffer] : [buffer]).subarray(-WINDOW);
    rest = rest.subarray(engine.bytesWritten);
  }
}

/**
 * Inflates a message synchronously, to at most `limit` bytes.
 * @throws Error with the code ERR_BUFFER_TOO_LARGE over the limit, or another one for a message that is not complete
 *   deflate data.
 */
export function inflate(bytes: Buffer, limit: number, context: Buffer | undefined): Buffer {
  if (bytes.length === 0) return NOTHING;
  for (const tail of TAILS) {
    try {
      const steps = inflation(bytes, tail, limit, context);
      let step = steps.next();
      while (!step.done) step = steps.next(inflateRawSync(...step.value) as unknown as Inflated);
      return step.value;
    } catch (error) {
      if (tail === TAILS.at(-1) || isTooLarge(error)) throw error;
    }
  }
  return NOTHING;
}

/** The same on a thread of Node's pool. */
export async function inflateOnThread(bytes: Buffer, limit: number, context: Buffer | undefined): Promise<Buffer> {
  if (bytes.length === 0) return NOTHING;
  for (const tail of TAILS) {
    try {
      const steps = inflation(bytes, tail, limit, context);
      let step = steps.next();
      while (!step.done) step = steps.next(await call(...step.value));
      return step.value;
    } catch (error) {
      if (tail === TAILS.at(-1) || isTooLarge(error)) throw error;
    }
  }
  return NOTHING;
}

function call(input: Buffer, options: ZlibOptions): Promise<Inflated> {
  return new Promise((resolve, reject) => {
    inflateRaw(input, options, (error, result) => (error ? reject(error) : resolve(result as unknown as Inflated)));
  });
}

export function isTooLarge(error: unknown): boolean {
  return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
}

function tooLarge(): Error {
  return Object.assign(new RangeError('the message is over the limit'), { code: 'ERR_BUFFER_TOO_LARGE' });
}

function cutOff(): Error {
  return new Error('it ends inside a block');
}
