import { decodeFromServer, encodePublication } from '../../protocol/index.ts';

/**
 * A WebSocket for the SDK, which parses lines with `JSON.parse`: it passes on each publication's data as a string that
 * contains its JSON, so that all digits are printed.
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
