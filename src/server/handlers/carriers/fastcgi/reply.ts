import { utf8 } from '../../../http/index.ts';
import type { Reply } from '../calls.ts';

/** Where the head of a CGI response ends (RFC 3875 §6): after an empty line. */
const END_OF_HEAD = /\r?\n\r?\n/;

/** A CGI response as its status and body. `most`: bytes of the body. @throws Error, which quotes nothing of it. */
export function readReply(output: Buffer, most: number): Reply {
  // The head is ASCII, so that its length in characters is that in bytes.
  const text = output.toString('latin1');
  const end = END_OF_HEAD.exec(text);
  if (!end) throw new Error('the answer has no head: it must begin with header lines');
  const head = text.slice(0, end.index).split(/\r?\n/);
  const status = head.map((line) => /^status: *(\d{3})/i.exec(line)?.[1]).find((found) => found !== undefined);
  const body = output.subarray(end.index + end[0].length);
  if (body.length > most) throw new Error(`the answer has more than ${most} bytes`);
  return { status: status === undefined ? 200 : Number(status), text: utf8(body, 'the answer') };
}
