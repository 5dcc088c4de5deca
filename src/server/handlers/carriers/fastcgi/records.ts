/** The FastCGI specification, §8: types of records. */
export const TYPE = { BEGIN: 1, ABORT: 2, END: 3, PARAMS: 4, STDIN: 5, STDOUT: 6, STDERR: 7 } as const;

const VERSION = 1;
const HEAD = 8;
/** Bytes of one record's content: its length has 16 bits. */
const MOST = 65_535;
/** One request on each connection. */
const REQUEST = 1;
const RESPONDER = 1;

export interface FastcgiRecord {
  readonly type: number;
  readonly content: Buffer;
}

/** A record, §3.3; without padding, which is optional. */
export function encodeRecord(type: number, content: Buffer): Buffer {
  const record = Buffer.alloc(HEAD + content.length);
  record.writeUInt8(VERSION, 0);
  record.writeUInt8(type, 1);
  record.writeUInt16BE(REQUEST, 2);
  record.writeUInt16BE(content.length, 4);
  content.copy(record, HEAD);
  return record;
}

/** A stream as records, of which an empty one is the end. */
function encodeStream(type: number, content: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < content.length; at += MOST) records.push(encodeRecord(type, content.subarray(at, at + MOST)));
  return [...records, encodeRecord(type, Buffer.alloc(0))];
}

/** Names and values, §3.4: each with its length in one byte, or in four with the highest bit set. */
export function encodePairs(pairs: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(pairs)) {
    // A header's value has a character for each byte that came, and reaches the script as these bytes.
    const isHeader = name.startsWith('HTTP_');
    const [first, second] = [Buffer.from(name), Buffer.from(value, isHeader ? 'latin1' : 'utf8')];
    parts.push(lengthOf(first), lengthOf(second), first, second);
  }
  return Buffer.concat(parts);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const long = Buffer.alloc(4);
  long.writeUInt32BE((length | 0x80000000) >>> 0);
  return long;
}

/** All bytes of a request, after which the server closes the connection. */
export function encodeRequest(params: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const begin = Buffer.from([0, RESPONDER, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([
    encodeRecord(TYPE.BEGIN, begin),
    ...encodeStream(TYPE.PARAMS, encodePairs(params)),
    ...encodeStream(TYPE.STDIN, body),
  ]);
}

/** Takes bytes in pieces of any size, and gives the records in them. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws Error for what is not FastCGI. */
  read(bytes: Buffer): FastcgiRecord[] {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const records: FastcgiRecord[] = [];
    while (rest.length > 0) {
      if (rest[0] !== VERSION) throw new Error('it does not speak FastCGI');
      if (rest.length < HEAD) break;
      const end = HEAD + rest.readUInt16BE(4);
      const next = end + rest[6]!; // padding
      if (rest.length < next) break;
      records.push({ type: rest[1]!, content: rest.subarray(HEAD, end) });
      rest = rest.subarray(next);
    }
    this.#rest = rest;
    return records;
  }
}
