import { ProtocolError } from '../../../protocol/index.ts';

/** What a client says with one request. */
export interface Said {
  /** Its session's id. */
  readonly id: string;
  /** 1 for the first of its session, and one more for each. */
  readonly number: number;
  /** The client ends its session with this close code, after the lines. */
  readonly closeCode: number | undefined;
  /** Lines of the protocol; may be empty. */
  readonly frame: string;
}

/** Characters that the first line may have at most. */
export const FIRST_LINE = 128;

/**
 * The body of a request: `["session",id,number,closeCode?]`, and behind a newline the lines. The id is there and not in
 * the URL, since proxies log URLs. @throws ProtocolError BAD_MESSAGE.
 */
export function parseSaid(body: string): Said {
  const newline = body.indexOf('\n');
  const first = newline < 0 ? body : body.slice(0, newline);
  const [verb, id, number, closeCode] = arrayIn(first);
  const isRight =
    verb === 'session' &&
    typeof id === 'string' &&
    Number.isSafeInteger(number) &&
    (closeCode === undefined || Number.isSafeInteger(closeCode));
  if (!isRight) throw new ProtocolError('BAD_MESSAGE', 'the first line must be ["session",id,number]');
  return {
    id,
    number: number as number,
    closeCode: closeCode as number | undefined,
    frame: newline < 0 ? '' : body.slice(newline + 1),
  };
}

function arrayIn(line: string): unknown[] {
  try {
    const value: unknown = line.length > FIRST_LINE ? undefined : JSON.parse(line);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
