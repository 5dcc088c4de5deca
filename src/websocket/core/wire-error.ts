import { Buffer } from 'node:buffer';
import { ERRORS, type ErrorCode, ZocaloError } from '../../errors.ts';

/** The codes that have a close code. */
export type WireCode = { [C in ErrorCode]: (typeof ERRORS)[C] extends { close: number } ? C : never }[ErrorCode];

/** An error that ends a connection, with the close code of the error table. */
export class WireError extends ZocaloError {
  readonly closeCode: number;
  /** What happened, short enough for a close frame (RFC 6455 §5.5: 125 bytes with the code). */
  readonly brief: string;

  constructor(code: WireCode, happened: string) {
    super(code, happened);
    this.name = 'WireError';
    this.closeCode = ERRORS[code].close;
    this.brief = Buffer.from(happened)
      .subarray(0, 123)
      .toString('latin1')
      .replace(/[^\x20-\x7e]/g, '?');
  }
}
