import { JsonText, LIMITS, memberText } from '../../protocol/index.ts';
import { commandBytes, type Message, type Said } from '../../sources/index.ts';

/** An answer that means nothing. The message quotes nothing of it. */
export class BadAnswer extends Error {}

/** What a program says of a frame: see docs/devices.md. */
export type ProgramAnswer =
  | { readonly kind: 'said'; readonly said: Said }
  /** It cannot read the frame. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It cannot say yet, and is asked again. */
  | { readonly kind: 'later' };

/** Characters of a program's sentence that are passed on. */
const SENTENCE = 1_000;

/** Reads the JSON of an answer. `partsOf`: the elements of a list. @throws BadAnswer. */
export function readAnswer(text: string, partsOf: (list: string) => readonly JsonText[]): ProgramAnswer {
  const answer = objectIn(text);
  // A worker's line `["err", …]` comes as this: see handlers.
  if (answer.deny !== undefined && answer.code === 'UNAVAILABLE') return { kind: 'later' };
  const reason = answer.error ?? answer.deny;
  if (reason !== undefined) return { kind: 'refused', reason: reasonOf(reason) };
  const { data, messages, channel, device, reply, ...others } = answer;
  checkUnknown(others, 'data, messages, channel, device, reply, error');
  if (messages === undefined) return { kind: 'said', said: { ...messageIn(text, answer), reply: replyOf(reply) } };
  if (data !== undefined || channel !== undefined) throw new BadAnswer('data and channel stand in each of messages');
  if (!Array.isArray(messages)) throw new BadAnswer('messages is not a list');
  const parts = partsOf(memberText(text, 'messages')!);
  const all = messages.map((message, at) => {
    if (!isObject(message)) throw new BadAnswer('a message is not an object');
    const { data, channel, device, ...others } = message;
    checkUnknown(others, 'data, channel, device');
    return messageIn(parts[at]!.text, message);
  });
  return { kind: 'said', said: { device: nameOf(device, 'device'), messages: all, reply: replyOf(reply) } };
}

type Members = Readonly<Record<string, unknown>>;

function objectIn(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadAnswer('the answer is not JSON');
  }
  if (!isObject(value)) throw new BadAnswer('the answer is not an object');
  return value;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkUnknown(others: Members, known: string): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new BadAnswer(`it has a member ${JSON.stringify(unknown.slice(0, 32))}, which is none of ${known}`);
}

/** Data as the text that came, so that long numbers keep their digits. */
function messageIn(text: string, { data, channel, device }: Members): Message {
  return {
    data: data === undefined ? undefined : dataOf(memberText(text, 'data')!),
    channel: nameOf(channel, 'channel'),
    device: nameOf(device, 'device'),
  };
}

function dataOf(text: string): JsonText {
  if (!text.isWellFormed()) throw new BadAnswer('data has half of a surrogate pair');
  const data = JsonText.parse(text);
  // In a publication it lies in other arrays, which every client must be able to read.
  if (data.depth > LIMITS.depth - 2) throw new BadAnswer(`data is nested more than ${LIMITS.depth - 2} deep`);
  return data;
}

function nameOf(name: unknown, what: string): string | undefined {
  if (name === undefined || name === null) return undefined;
  if (typeof name === 'number' && Number.isSafeInteger(name)) return String(name);
  if (typeof name !== 'string' || name === '') throw new BadAnswer(`${what} is neither a text nor a whole number`);
  return name;
}

function replyOf(reply: unknown): Said['reply'] {
  if (reply === undefined || reply === null) return undefined;
  if (typeof reply === 'string') {
    if (/[^\0-\xff]/.test(reply)) throw new BadAnswer('reply has a character that is not a byte; use {"hex": "…"}');
    return reply;
  }
  const { hex, ...others } = isObject(reply) ? reply : {};
  if (typeof hex !== 'string' || Object.keys(others).length > 0)
    throw new BadAnswer('reply is neither a text nor bytes like {"hex": "06"}');
  try {
    return commandBytes({ hex });
  } catch {
    throw new BadAnswer('the bytes of reply are not hexadecimal');
  }
}

function reasonOf(reason: unknown): string {
  return typeof reason === 'string' && reason !== '' ? reason.slice(0, SENTENCE).toWellFormed() : 'it gave no reason';
}
