import { hash, randomBytes } from 'node:crypto';
import { parseExtensions } from './extensions.ts';

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** 16 bytes in base64: 22 characters and two padding characters. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Header names in lower case, as Node gives them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Why an upgrade request is refused: the status and reason of the response. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A random nonce for `Sec-WebSocket-Key`. */
export function createKey(): string {
  return randomBytes(16).toString('base64');
}

/** The `Sec-WebSocket-Accept` for `key`. */
function acceptKey(key: string): string {
  return hash('sha1', key + GUID, 'base64');
}

/** Whether a request asks for a WebSocket. Any other upgrade, or one over HTTP/1.0, is ignored (RFC 9110 §7.8). */
export function asksForWebSocket(version: string, headers: Headers): boolean {
  return version !== '1.0' && version !== '0.9' && hasToken(text(headers.upgrade), 'websocket');
}

/** What is wrong with a client's opening handshake (RFC 6455 §4.2.1); null when it is valid. */
export function checkRequest(method: string | undefined, headers: Headers): Refusal | null {
  if (method !== 'GET')
    return { status: 405, reason: 'A WebSocket handshake is a GET request', headers: { Allow: 'GET' } };
  if (!hasToken(text(headers.connection), 'upgrade')) return { status: 400, reason: 'Expected Connection: Upgrade' };
  const asked = text(headers['sec-websocket-version']);
  if (asked !== '13')
    return { status: 426, reason: 'Expected Sec-WebSocket-Version: 13', headers: { 'Sec-WebSocket-Version': '13' } };
  if (!KEY.test(text(headers['sec-websocket-key'])))
    return { status: 400, reason: 'Expected a Sec-WebSocket-Key of 16 bytes in base64' };
  // Its bytes would be parsed as frames.
  if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined)
    return { status: 400, reason: 'A WebSocket handshake has no body' };
  if (headers.host === undefined) return { status: 400, reason: 'Expected a Host header' };
  const extensions = headers['sec-websocket-extensions'];
  if (extensions !== undefined && parseExtensions(text(extensions)) === null)
    return { status: 400, reason: 'Sec-WebSocket-Extensions is not a list of extensions' };
  const protocols = headers['sec-websocket-protocol'];
  if (protocols !== undefined && parseProtocols(text(protocols)) === null)
    return { status: 400, reason: 'Sec-WebSocket-Protocol is not a list of different tokens' };
  return null;
}

/** The offered subprotocols in order; null when the header is not a list of distinct tokens. */
function parseProtocols(header: string): string[] | null {
  const protocols = header.split(',').map((part) => part.trim());
  return protocols.every((name) => TOKEN.test(name)) && new Set(protocols).size === protocols.length ? protocols : null;
}

/** The server's side of the opening handshake. */
export function formatResponse(key: string, protocol: string, extensions: string): string {
  let response = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n`;
  if (protocol) response += `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  if (extensions) response += `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  return `${response}\r\n`;
}

/** What is wrong with a server's 101 response (RFC 6455 §4.1); null when it is valid. */
export function checkResponse(headers: Headers, key: string, offered: readonly string[]): string | null {
  if (text(headers.upgrade).toLowerCase() !== 'websocket') return 'its answer has no Upgrade: websocket';
  if (!hasToken(text(headers.connection), 'upgrade')) return 'its answer has no Connection: Upgrade';
  if (text(headers['sec-websocket-accept']).trim() !== acceptKey(key))
    return 'its Sec-WebSocket-Accept does not match the key that was sent';
  const protocol = headers['sec-websocket-protocol'];
  if (protocol !== undefined && !offered.includes(text(protocol)))
    return `it chose the subprotocol ${text(protocol)}, which was not offered`;
  return null;
}

/** Whether a comma-separated header has `token`, in any case. */
function hasToken(header: string, token: string): boolean {
  return header.length === token.length
    ? header.toLowerCase() === token
    : header
        .toLowerCase()
        .split(',')
        .some((part) => part.trim() === token);
}

function text(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
