import assert from 'node:assert/strict';
import { createHmac, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Visitor } from '../../../src/hub/index.ts';
import type { ProtocolError, Reason } from '../../../src/protocol/index.ts';
import { Auth, type AuthOptions } from '../../../src/server/auth/index.ts';
import { configSchema } from '../../../src/server/config/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export const SECRET = 'a secret of the tests, long enough for all';
/** Milliseconds since 1970 at which these tests begin. */
export const START = Date.parse('2026-03-01T12:00:00Z');

/** Keeps what is logged, as it would be written. */
export class LogBook {
  readonly lines: string[] = [];
  readonly debug = (fields: object, sentence: string) => this.#write('debug', fields, sentence);
  readonly info = (fields: object, sentence: string) => this.#write('info', fields, sentence);
  readonly warn = (fields: object, sentence: string) => this.#write('warn', fields, sentence);
  readonly error = (fields: object, sentence: string) => this.#write('error', fields, sentence);

  #write(level: string, fields: object, sentence: string): void {
    this.lines.push(`${level} ${sentence} ${JSON.stringify(fields)}`);
  }

  get text(): string {
    return this.lines.join('\n');
  }
}

/** An Auth at a standing time, and what it logs. */
export async function doors(
  t: TestContext,
  auth: object,
  options: Partial<AuthOptions> & { secret?: string | null } = {},
) {
  const clock = new FakeClock();
  const log = new LogBook();
  const { secret = SECRET, ...rest } = options;
  const now = () => START + clock.now();
  const opened = new Auth(configOf(auth, secret), { log, clock, now, ...rest });
  t.after(() => opened.close());
  await opened.open();
  return { auth: opened, clock, log, now };
}

/** Turns the visitor away, for this reason. */
export async function refused(auth: Auth, visitor: Visitor, reason: Reason = 'TOKEN_INVALID'): Promise<void> {
  await assert.rejects(auth.connect(visitor), (error: ProtocolError) => {
    assert.deepEqual([error.code, error.reason], ['UNAUTHORIZED', reason], error.message);
    return true;
  });
}

export function configOf(auth: object, secret: string | null = SECRET) {
  return configSchema.parse({ auth, ...(secret !== null && { secret }) });
}

/** Signs whatever it is given, by hand, as a forger would. */
export function forge(
  header: object,
  payload: object | string | Buffer,
  key: string | KeyObject | Buffer = SECRET,
): string {
  const part = (value: object | string | Buffer) =>
    (Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))).toString(
      'base64url',
    );
  const input = `${part(header)}.${part(payload)}`;
  const { alg } = header as { alg?: string };
  const mac = () =>
    createHmac('sha256', key as string)
      .update(input)
      .digest('base64url');
  const signed = () =>
    sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
      key: key as KeyObject,
      dsaEncoding: 'ieee-p1363',
    }).toString('base64url');
  return `${input}.${typeof key === 'string' || Buffer.isBuffer(key) ? mac() : signed()}`;
}

/** A file's path that is gone when the test is over. */
export function fileOf(t: TestContext, name: string): string {
  const folder = temporaryFolder(t);
  return join(folder, name);
}

/** A real HTTP server on a free port, for hooks and keys. */
export async function application(
  t: TestContext,
  answer: (request: IncomingMessage & { body: string }, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answer(Object.assign(request, { body }), response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A handshake, as the floor of sockets knows it. */
export function handshake(headers: Record<string, string> = {}, url = '/chat', remoteAddress = '192.0.2.7') {
  return { url, headers, remoteAddress };
}
