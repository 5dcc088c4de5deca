import type { ZocaloError } from '../../errors.ts';

/** Bytes in, frames out: one for each connection. */
export interface Framer {
  /** How many bytes were passed over: garbage between frames, and frames that were refused. */
  readonly skipped: number;
  /** How many bytes wait for the rest of their frame: at most the limit and one chunk. */
  readonly pending: number;
  /** In milliseconds: after this time `take` may have a frame although nothing arrives. Undefined: only bytes matter. */
  readonly wait: number | undefined;
  /** Takes the bytes over: they must not be changed afterwards. Call `take` until it has no more. */
  append(chunk: Buffer): void;
  /** The next frame, which is never empty; where its bytes came in one chunk, a view of that. */
  take(): Buffer | undefined;
  /**
   * Gives up the frame that has begun, and looks for the next in what came since. For a long silence: garbage may look
   * like the start of a long frame, and would hold back what comes after it.
   */
  giveUp(): void;
  /** The stream has ended: the last frame, for a kind whose frame may end with the stream. */
  end(): Buffer | undefined;
  /**
   * What to send so that the other side reads `payload` as one frame, with length, checksum and marks.
   * @throws ZocaloError FRAME_NOT_ENCODED when `payload` has no such frame.
   */
  encode(payload: Uint8Array): Buffer;
}

/** What a framer tells of bytes that it refuses: FRAME_TOO_LONG, FRAME_DAMAGED. */
export type Report = (error: ZocaloError) => void;

/**
 * The rules of one kind of frame, without state, so that all connections share them. They look at a window of bytes in
 * which the next frame begins at `start`.
 */
export interface Framing {
  /**
   * The length of the frame at `start` including its marks, as soon as it is known, even if not all of it is there; 0
   * if more bytes are needed to know; negative if that many bytes cannot begin a frame. Bytes before `fresh` were looked
   * at by the last call, which had answered 0.
   */
  measure(bytes: Buffer, start: number, fresh: number): number;
  /** The bytes of a complete frame without delimiter and escapes, or undefined if they break the rules. */
  content(bytes: Buffer, start: number, end: number): Buffer | undefined;
  /** Writes what is fixed or counted (marks, length) into content that is to be sent. */
  fill?(content: Buffer): void;
  /** The opposite of `content`. */
  wrap(content: Buffer): Buffer;
  /**
   * Where the next frame may begin after one that is refused: at any byte (`rescan`), behind the next delimiter, or at
   * the next mark of a start.
   */
  readonly resync: 'rescan' | 'delimiter' | 'start';
  /** How many bytes at the end of the window may be the beginning of a mark. */
  readonly overlap: number;
  /** Whether what is left when the stream ends is a frame. */
  readonly endsWithStream?: boolean;
  /** How many bytes of the content are marks, at its start and its end. */
  readonly margins: Margins;
  /** Whether marks and checksum stay in what is handed out, because the head's offsets are counted with them. */
  readonly whole?: boolean;
}

export interface Margins {
  readonly start: number;
  readonly end: number;
  /** How many bytes follow the mark of the end; they are the checksum's. */
  readonly after: number;
}

export const NO_MARGINS: Margins = { start: 0, end: 0, after: 0 };
