import assert from 'node:assert/strict';
import { createHmac, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { Hub, type Visitor, visitorRequest } from '../../../src/hub/index.ts';
import type { ProtocolError, Reason } from '../../../src/protocol/index.ts';
import { Auth, type AuthOptions } from '../../../src/server/auth/index.ts';
import { Handlers } from '../../../src/server/handlers/index.ts';
import { type ConfigInput, configOf } from '../../support/config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export const SECRET = 'a secret of the tests, long enough for all';
/** Milliseconds since 1970 at which these tests begin. */
export const START = Date.parse('2026-03-01T12:00:00Z');

/** An Auth at a standing time, and what it logs. `connect`: the handler that says who visitors are. */
export async function openAuth(
  t: TestContext,
  auth: object,
  options: Partial<AuthOptions> & { secret?: string | null; connect?: object } = {},
) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const { secret = SECRET, connect, ...rest } = options;
  const now = () => START + clock.now();
  const config = configOf({
    auth: auth as ConfigInput['auth'],
    handlers: connect ? { login: { events: ['connect'], ...connect } } : {},
    ...(secret !== null && { secret }),
  });
  const handlers = new Handlers(config.handlers, {
    log,
    clock,
    now,
    run: 'test',
    onOutcome: () => {},
    onCommand: async () => '{}',
  });
  t.after(() => {
    const closed = handlers.close(0);
    clock.advance(1);
    return closed;
  });
  await handlers.open(new Hub({ broker: memory() }));
  const opened = new Auth(config, { log, clock, now, application: () => handlers.connect, ...rest });
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
  return visitorRequest({ url, headers, remoteAddress });
}
