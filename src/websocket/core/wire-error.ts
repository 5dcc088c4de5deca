import { Buffer } from 'node:buffer';
import { type ErrorCode, ZocaloError } from '../../errors.ts';

/** What ends a connection, with the close code that the RFC names for it. */
export class WireError extends ZocaloError {
  readonly closeCode: number;
  /** What happened, short enough for a close frame (RFC 6455 §5.5: 125 bytes with the code). */
  readonly brief: string;

  constructor(code: ErrorCode, closeCode: number, happened: string) {
    super(code, happened);
    this.name = 'WireError';
    this.closeCode = closeCode;
    this.brief = Buffer.from(happened)
      .subarray(0, 123)
      .toString('latin1')
      .replace(/[^\x20-\x7e]/g, '?');
  }
}
