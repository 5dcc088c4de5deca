import { type Code, codeRow, JsonText, LIMITS, memberText } from '../../protocol/index.ts';
import type { EventName } from './events.ts';

/** The handler refuses. */
export interface Denial {
  readonly kind: 'denied';
  /** Undefined: the one that fits the event. */
  readonly code: string | undefined;
  /** For the client. */
  readonly message: string;
  /** Milliseconds after which the client may try again. */
  readonly after: number | undefined;
  /** For the client's program; undefined: none. */
  readonly details: unknown;
}

export type Answer =
  | Denial
  /** `data`: the first data for a subscriber, or what is published instead. `member`: instead of the client's. */
  | { readonly kind: 'allowed'; readonly data: JsonText | undefined; readonly member: JsonText | undefined }
  | { readonly kind: 'result'; readonly result: JsonText };

/** An answer that cannot be used. The message quotes nothing of it. */
export class BadAnswer extends Error {}

/** Codes with which a handler may refuse. To a call it may answer with its own as well. */
const CODES: readonly Code[] = [
  'FORBIDDEN',
  'BAD_DATA',
  'TOO_LARGE',
  'NOT_OFFERED',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
];
const OWN_CODE = /^[A-Z][A-Z\d_]{0,63}$/;
/** Characters of a sentence for a client. */
const SENTENCE = 1_000;
const DENIED = 'the application does not allow it';

/** An answer as an object. @throws BadAnswer. */
export function objectIn(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not with JSON.parse's own sentence, which quotes what it read.
    throw new BadAnswer(text.trim() === '' ? 'the answer is empty' : 'the answer is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadAnswer('the answer is not a JSON object');
  return value as Record<string, unknown>;
}

/** The refusal in an answer; undefined when it has none. @throws BadAnswer. */
export function denialIn(answer: Readonly<Record<string, unknown>>, event: EventName): Denial | undefined {
  const { deny, code, after, details } = answer;
  if (deny === undefined || deny === false) return undefined;
  if (deny !== true && (typeof deny !== 'string' || deny === '' || deny.length > SENTENCE || !deny.isWellFormed()))
    throw new BadAnswer(`deny is neither true nor a sentence of at most ${SENTENCE} characters`);
  if (code !== undefined && !isCode(code, event))
    throw new BadAnswer(`code is not one with which a handler can refuse: ${CODES.join(', ')}`);
  if (after !== undefined && !(Number.isSafeInteger(after) && (after as number) >= 0))
    throw new BadAnswer('after is not a number of milliseconds');
  return {
    kind: 'denied',
    code: code as string | undefined,
    message: deny === true ? DENIED : deny,
    after: after as number | undefined,
    details,
  };
}

function isCode(code: unknown, event: EventName): boolean {
  if (typeof code !== 'string') return false;
  return (CODES as readonly string[]).includes(code) || (event === 'call' && OWN_CODE.test(code) && !codeRow(code));
}

/**
 * The answer to `subscribe`, `publish` or `call`. Only what clearly says so allows anything. @throws BadAnswer.
 */
export function readAnswer(event: 'subscribe' | 'publish' | 'call', text: string): Answer {
  const answer = objectIn(text);
  const denial = denialIn(answer, event);
  if (denial) return denial;
  if (event === 'call') {
    if (answer.result === undefined) throw new BadAnswer('the answer to a call has neither result nor deny');
    return { kind: 'result', result: jsonIn(text, 'result') };
  }
  if (answer.allow !== true) throw new BadAnswer('allow is not true, and there is no deny');
  return {
    kind: 'allowed',
    data: answer.data === undefined ? undefined : jsonIn(text, 'data'),
    member: answer.member === undefined || event === 'publish' ? undefined : jsonIn(text, 'member'),
  };
}

/** A member as the text that came. @throws BadAnswer. */
export function jsonIn(text: string, name: string): JsonText {
  const found = JsonText.parse(memberText(text, name)!);
  // Together with the line around it, it must not be deeper than every client can read.
  if (found.depth > LIMITS.depth - 2) throw new BadAnswer(`${name} is nested more than ${LIMITS.depth - 2} deep`);
  return found;
}
