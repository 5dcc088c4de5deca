import { decodeFromServer, encodePublication } from '../../protocol/index.ts';

/**
 * A WebSocket for the SDK, which reads lines by `JSON.parse`: of each publication it hands on the data as a string that
 * holds its JSON, so that what is printed has all its digits.
 */
export class ExactSocket extends WebSocket {
  override addEventListener(type: string, listener: unknown): void {
    const tell = listener as (event: unknown) => void; // the SDK's listeners are functions
    super.addEventListener(type, (event) => tell(type === 'message' ? { data: exactly(event) } : event));
  }
}

function exactly(event: Event): unknown {
  const { data: frame } = event as MessageEvent;
  return typeof frame === 'string' ? frame.split('\n').map(exactLine).join('\n') : frame;
}

function exactLine(line: string): string {
  const [decoded] = decodeFromServer(line);
  if (decoded?.message?.[0] !== 'm') return line;
  const [, ch, offset, { text }, meta] = decoded.message;
  return encodePublication(ch, offset, JSON.stringify(text), meta ? JSON.stringify(meta) : null);
}
