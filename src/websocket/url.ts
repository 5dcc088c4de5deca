import { ZocaloError } from '../errors.ts';
import { parseAddress, type WebSocketAddress } from '../stream/index.ts';

/**
 * The address in a `ws://` or `wss://` URL.
 * @throws ZocaloError BAD_ADDRESS, UNKNOWN_SCHEME, with an example of the right form.
 */
export function webSocketAddress(where: unknown): WebSocketAddress {
  const advice = 'write it as ws://host:port/path, for example ws://localhost:9000';
  if (typeof where !== 'string' && !(where instanceof URL))
    throw new ZocaloError('BAD_ADDRESS', `${JSON.stringify(where)} is not an address`, { advice });
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(String(where))?.[1]?.toLowerCase();
  if (scheme === undefined) throw new ZocaloError('BAD_ADDRESS', `"${where}" has no scheme`, { advice });
  if (scheme !== 'ws' && scheme !== 'wss') {
    const meant = scheme === 'http' ? 'ws' : scheme === 'https' ? 'wss' : undefined;
    throw new ZocaloError('UNKNOWN_SCHEME', `${where} is not a WebSocket address`, {
      advice: meant ? `use ${meant}:// in place of ${scheme}://` : 'use ws:// or wss://',
    });
  }
  return parseAddress(where) as WebSocketAddress;
}
