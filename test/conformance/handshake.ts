import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { checkAnswer, Deflate, type Negotiation, parseExtensions, parseParameters } from './deflate.ts';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // the example of RFC 6455 §1.3
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export const acceptFor = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export interface Head {
  /** The request line or the status line. */
  line: string;
  /** By name in lower case, in the order in which they came. */
  fields: Map<string, string[]>;
  /** What came behind the empty line. */
  rest: Buffer;
}

export const field = (head: Head, name: string) => head.fields.get(name)?.join(', ') ?? '';

/** Milliseconds after which a silent end has failed. */
const PATIENCE = 20_000;

/** Reads up to the empty line. Undefined when the connection ends before it. */
export function readHead(socket: Socket): Promise<Head | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const patience = setTimeout(() => socket.destroy(), PATIENCE);
    const over = () => {
      clearTimeout(patience);
      resolve(undefined);
    };
    const read = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.pause();
      clearTimeout(patience);
      socket.off('data', read).off('close', over);
      resolve(parseHead(received.subarray(0, end).toString('latin1'), received.subarray(end + 4)));
    };
    socket.on('data', read).on('close', over);
    socket.on('error', () => {});
  });
}

function parseHead(octets: string, rest: Buffer): Head {
  const [line = '', ...lines] = octets.split('\r\n');
  const fields = new Map<string, string[]>();
  for (const each of lines) {
    const colon = each.indexOf(':');
    const name = each.slice(0, colon).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), each.slice(colon + 1).trim()]);
  }
  return { line, fields, rest };
}

/** The header fields of a good request, by name; undefined leaves one out, several values give several lines. */
export type Fields = Record<string, string | string[] | undefined>;

export function request(fields: Fields = {}, line = 'GET /echo HTTP/1.1'): string {
  const good = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
  };
  return write(line, { ...good, ...fields });
}

/** A good response to `key`, changed by `fields`. */
export function response(key: string, fields: Fields = {}, line = 'HTTP/1.1 101 Switching Protocols'): string {
  return write(line, {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': acceptFor(key),
    ...fields,
  });
}

function write(line: string, fields: Fields): string {
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}\r\n`),
  );
  return `${line}\r\n${lines.join('')}\r\n`;
}

export function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.setNoDelay(true)));
    socket.once('error', reject);
  });
}

/** What is wrong with a server's 101, in words; undefined when nothing is. */
export function wrongWithResponse(head: Head | undefined, key = KEY): string | undefined {
  if (!head) return 'no response came';
  if (!head.line.startsWith('HTTP/1.1 101')) return `the response was ${head.line}`;
  if (field(head, 'upgrade').toLowerCase() !== 'websocket') return 'a wrong Upgrade';
  if (!/\bupgrade\b/i.test(field(head, 'connection'))) return 'a wrong Connection';
  if (field(head, 'sec-websocket-accept') !== acceptFor(key)) return 'a wrong Sec-WebSocket-Accept';
  return undefined;
}

/** What is wrong with a client's request, in words. */
export function wrongWithRequest(head: Head): string | undefined {
  if (!/^GET \/\S* HTTP\/1\.1$/.test(head.line)) return `the request line was ${head.line}`;
  if (!/^127\.0\.0\.1:\d+$/.test(field(head, 'host'))) return 'a wrong Host';
  if (field(head, 'upgrade').toLowerCase() !== 'websocket') return 'a wrong Upgrade';
  if (!/\bupgrade\b/i.test(field(head, 'connection'))) return 'a wrong Connection';
  if (field(head, 'sec-websocket-version') !== '13') return 'a wrong Sec-WebSocket-Version';
  const key = field(head, 'sec-websocket-key');
  if (Buffer.from(key, 'base64').length !== 16 || key.length !== 24) return 'a wrong Sec-WebSocket-Key';
  return undefined;
}

/** As the client: what the server's answer to `offer` puts in force. Throws when the answer is malformed. */
export function deflateFromAnswer(offer: string, head: Head): Deflate | undefined {
  const answers = parseExtensions(field(head, 'sec-websocket-extensions'));
  if (answers.length === 0) return undefined;
  if (answers.length > 1 || answers[0]![0] !== 'permessage-deflate')
    throw new Error('an extension that was not offered');
  const answer = parseParameters(answers[0]![1], false);
  checkAnswer(
    parseExtensions(offer).map(([, parameters]) => parseParameters(parameters, true)),
    answer,
  );
  return new Deflate(answer, 'client');
}

/** As the server: the answer to the client's offers, and what it puts in force. */
export function answerOffers(head: Head, negotiation: Negotiation): { answer?: string; deflate?: Deflate } {
  const offers = parseExtensions(field(head, 'sec-websocket-extensions'))
    .filter(([name]) => name === 'permessage-deflate')
    .map(([, parameters]) => parseParameters(parameters, true));
  const answer = negotiation.accept(offers);
  if (answer === undefined) return {};
  return { answer, deflate: new Deflate(parseParameters(parseExtensions(answer)[0]![1], false), 'server') };
}
