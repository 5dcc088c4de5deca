import type { IncomingMessage } from 'node:http';
import type { ServerOptions } from '../../../websocket/index.ts';
import { normalAddress } from '../../http/index.ts';
import type { AddressLimits, Breach } from '../../limits/index.ts';
import type { OnRefused } from '../../refusal-reasons.ts';

export interface AddressGuardOptions {
  readonly limits: AddressLimits;
  readonly clientAddress: ServerOptions['clientAddress'];
  /** Requests whose handler asks the limits itself, and says in its own way that they are refused. */
  readonly asksItself: (request: IncomingMessage) => boolean;
  readonly onRefused: OnRefused;
}

/** RFC 6585 §4. */
export const TOO_MANY = 429;
const SENTENCES: Record<Breach['reason'], string> = {
  address_connections: 'There are too many connections from your address',
  address_rate: 'Too many connections came from your address in a short time',
};

/** The limits of an address, for an engine: sockets as they are accepted, and each request on them. */
export function addressGuard(options: AddressGuardOptions): Pick<ServerOptions, 'admitSocket' | 'admitRequest'> {
  const { limits, clientAddress, asksItself, onRefused } = options;
  const addressOf = (request: IncomingMessage) => {
    const peer = request.socket.remoteAddress ?? '';
    return clientAddress?.(request) ?? normalAddress(peer) ?? '';
  };
  return {
    admitSocket: (socket) => {
      const isIn = limits.accept(socket);
      const reason = limits.isFull ? 'full_or_closing' : 'address_connections';
      const sentence = limits.isFull ? 'The server is full' : SENTENCES.address_connections;
      if (!isIn) onRefused(reason, normalAddress(socket.remoteAddress ?? '') ?? '', sentence);
      return isIn;
    },
    admitRequest: (request, response) => {
      if (response && asksItself(request)) return null;
      const { socket } = request;
      const join = () => limits.join(addressOf(request), socket.remoteAddress ?? '', socket);
      const breach = limits.admit(request, response) ?? (response ? undefined : join());
      if (!breach) return null;
      const { reason, retryAfter } = breach;
      onRefused(reason, addressOf(request), SENTENCES[reason]);
      return { status: TOO_MANY, reason: SENTENCES[reason], headers: { 'Retry-After': String(retryAfter) } };
    },
  };
}
