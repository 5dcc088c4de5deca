import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { turn } from '../../support/turn.ts';
import { application, forge, handshake, openAuth, refused } from '../auth/auth-fixture.ts';
import { HubPeer } from '../hub-peer.ts';

const VISIT = { token: undefined, request: handshake({ cookie: 'PHPSESSID=s3cret', 'x-other': 'no' }, '/chat?a=1') };
const answer = (response: ServerResponse, status: number, body = '', headers = {}) =>
  response.writeHead(status, headers).end(body);

test('the application identifies a visitor by their cookies', async (t) => {
  let asked: unknown;
  const url = await application(t, ({ method, headers, body }, response) => {
    asked = {
      method,
      cookie: headers.cookie,
      type: headers['content-type'],
      other: headers['x-other'],
      ...JSON.parse(body),
      id: undefined,
    };
    answer(response, 200, '{"user":42,"can":["sub:chat:*"],"data":{"name":"Ana"},"expiresIn":"1h"}');
  });
  const { auth } = await openAuth(t, {}, { connect: { url } });
  assert.deepEqual(JSON.parse(JSON.stringify(await auth.connect(VISIT))), {
    user: '42',
    data: { name: 'Ana' },
    rights: { subscribe: ['chat:*'], publish: [], presence: [] },
    expiresIn: 3_600_000,
  });
  assert.deepEqual(asked, {
    method: 'POST',
    cookie: 'PHPSESSID=s3cret',
    type: 'application/json',
    other: undefined,
    event: 'connect',
    id: undefined,
    url: '/chat?a=1',
    address: '192.0.2.7',
    headers: { cookie: 'PHPSESSID=s3cret' },
  });
});

test('users with long numbers as ids stay distinct, whatever else the answer contains', async (t) => {
  const answers = [
    ['{"user":1163456789012345678}', '1163456789012345678'],
    ['\n{ "data": {"user": 1}, "user" :\t1163456789012345679 }', '1163456789012345679'],
    ['{"user":7,"\\u0075ser":123456789012345678901234567890}', '123456789012345678901234567890'],
    ['{"user":-3}', '-3'],
    ['{"user":0}', '0'],
  ] as const;
  const bodies = answers.map(([body]) => body).values();
  const url = await application(t, (_request, response) => answer(response, 200, bodies.next().value));
  const { auth } = await openAuth(t, {}, { connect: { url } });
  for (const [body, user] of answers) assert.equal((await auth.connect(VISIT))?.user, user, body);
});

test('the channels that the application names are had from the start by a client that follows the server', async (t) => {
  const url = await application(t, (_request, response) =>
    answer(response, 200, '{"user":"ana","channels":["inbox:ana"]}'),
  );
  const daemon = await startDaemon(t, {
    channels: { 'inbox:*': {} },
    handlers: { app: { events: ['connect'], url } },
  });
  const peer = await HubPeer.join(t, daemon.url.replace('http', 'ws'));
  assert.deepEqual(await peer.ask('follow'), { channels: ['inbox:ana'] });
});

test('a visitor unknown to the application is anonymous, and accepted if anonymous users are', async (t) => {
  const url = await application(t, (_request, response) => answer(response, 200, '{"user":null}'));
  assert.deepEqual(await (await openAuth(t, {}, { connect: { url } })).auth.connect(VISIT), {});
  await refused((await openAuth(t, { anonymous: false }, { connect: { url } })).auth, VISIT, 'NO_TOKEN');
});

for (const [name, status, body] of [
  ['401', 401, ''],
  ['403', 403, 'no'],
  ['deny', 200, '{"deny":true,"user":"ana"}'],
  ['a sentence', 200, '{"deny":"you are not on the list"}'],
] as const)
  test(`the application refuses a visitor with ${name}`, async (t) => {
    const url = await application(t, (_request, response) => answer(response, status, body));
    await refused((await openAuth(t, {}, { connect: { url } })).auth, VISIT, 'REFUSED');
  });

const NONSENSE: Record<string, (response: ServerResponse) => unknown> = {
  'status 500': (response) => answer(response, 500, '{"user":"ana"}'),
  'status 404': (response) => answer(response, 404, '{"user":"ana"}'),
  'status 201': (response) => answer(response, 201, '{"user":"ana"}'),
  'status 204': (response) => answer(response, 204),
  'a redirect to a page of login': (response) => answer(response, 302, '{"user":"ana"}', { location: '/login' }),
  'a web page': (response) => answer(response, 200, '<h1>PHPSESSID=s3cret</h1>'),
  nothing: (response) => answer(response, 200),
  'an empty object': (response) => answer(response, 200, '{}'),
  'an empty list': (response) => answer(response, 200, '[]'),
  'a text': (response) => answer(response, 200, '"ana"'),
  'an error as JSON': (response) => answer(response, 200, '{"error":"no database"}'),
  'a user that is empty': (response) => answer(response, 200, '{"user":""}'),
  'a user that is a number with a fraction': (response) => answer(response, 200, '{"user":1.5}'),
  'a user that is a number with an exponent': (response) => answer(response, 200, '{"user":1.1634567890123457e+18}'),
  'a user in another encoding': (response) => response.end(Buffer.from('{"user":"Jos\xe9"}', 'latin1')),
  'a user that is true': (response) => answer(response, 200, '{"user":true}'),
  'a user that is too long': (response) => answer(response, 200, JSON.stringify({ user: 'x'.repeat(256) })),
  'channels that are no list': (response) => answer(response, 200, '{"user":"ana","channels":"inbox:ana"}'),
  'a channel that is none': (response) => answer(response, 200, '{"user":"ana","channels":["two words"]}'),
  'rights that are no list': (response) => answer(response, 200, '{"user":"ana","can":"sub:*"}'),
  'rights of an unknown kind': (response) => answer(response, 200, '{"user":"ana","can":["all:*"]}'),
  'an end that is none': (response) => answer(response, 200, '{"user":"ana","expiresIn":"soon"}'),
  'a denial that is a number': (response) => answer(response, 200, '{"user":"ana","deny":1}'),
  'too much': (response) => answer(response, 200, JSON.stringify({ user: 'ana', data: 'x'.repeat(70_000) })),
  'no answer': (response) => response.socket!.destroy(),
  'half an answer': (response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"user":"ana"}', () => response.socket!.destroy());
  },
};

for (const [name, reply] of Object.entries(NONSENSE))
  test(`nobody is accepted, and all are told to try again, when the application answers with ${name}`, async (t) => {
    let calls = 0;
    const url = await application(t, (_request, response) => {
      calls++;
      reply(response);
    });
    const { auth, log } = await openAuth(t, {}, { connect: { url } });
    await assert.rejects(auth.connect(VISIT), { name: 'ProtocolError', code: 'UNAVAILABLE', retryAfter: 3_000 });
    assert.equal(calls, 1);
    assert.match(log.text, /error a handler gave no answer that can be used/);
    assert.ok(!log.text.includes('s3cret'), log.text);
  });

test('when the application is down or never answers, nobody is accepted, and the log says so at a limited rate', async (t) => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const down = await openAuth(t, {}, { connect: { url: `http://127.0.0.1:${port}/` } });
  for (let n = 0; n < 50; n++) await assert.rejects(down.auth.connect(VISIT), { code: 'UNAVAILABLE' });
  assert.equal(down.log.lines.length, 10);
  assert.match(down.log.text, /cannot be reached \(ECONNREFUSED\)/);
  const asked = Promise.withResolvers<void>();
  const url = await application(t, () => asked.resolve());
  const slow = await openAuth(t, {}, { connect: { url, timeout: 50 } });
  const visit = assert.rejects(slow.auth.connect(VISIT), { code: 'UNAVAILABLE' });
  await asked.promise;
  slow.clock.advance(50);
  await visit;
  assert.match(slow.log.text, /no answer came within 50 ms/);
});

test('the application is asked about a limited number of visitors at a time, and the others wait', async (t) => {
  const held: ServerResponse[] = [];
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const url = await application(t, (_request, response) => {
    held.push(response);
    if (held.length === 32) resolve();
  });
  const { auth } = await openAuth(t, {}, { connect: { url } });
  const visits = Array.from({ length: 40 }, () => auth.connect(VISIT));
  await full;
  await turn();
  assert.equal(held.length, 32);
  const finish = setInterval(() => {
    for (const response of held.splice(0)) answer(response, 200, '{"user":"ana"}');
  }, 1);
  t.after(() => clearInterval(finish));
  for (const identity of await Promise.all(visits)) assert.deepEqual(identity, { user: 'ana' });
});

test('a visitor is accepted although the application closes the kept connection, and all its others', async (t) => {
  const seen = new Set<Socket>();
  let cut = 0;
  const held: ServerResponse[] = [];
  const url = await application(t, ({ socket }, response) => {
    if (seen.has(socket)) {
      cut++;
      socket.destroy();
      return;
    }
    seen.add(socket);
    held.push(response);
    if (seen.size === 3 || seen.size > 3)
      for (const response of held.splice(0)) answer(response, 200, '{"user":"ana"}', { connection: 'keep-alive' });
  });
  const { auth, log } = await openAuth(t, {}, { connect: { url } });
  await Promise.all([auth.connect(VISIT), auth.connect(VISIT), auth.connect(VISIT)]);
  for (let n = 1; n <= 3; n++) {
    assert.equal((await auth.connect(VISIT))?.user, 'ana');
    assert.equal(cut, n);
  }
  assert.deepEqual(log.lines, []);
});

test('a token that only the application can judge is passed to it, and never makes an anonymous user', async (t) => {
  const url = await application(t, ({ body }, response) =>
    answer(response, 200, JSON.stringify({ user: JSON.parse(body).token === 'session-1' ? 'ana' : null })),
  );
  for (const options of [{ secret: null }, {}]) {
    const { auth } = await openAuth(t, {}, { connect: { url }, ...options });
    assert.deepEqual(await auth.connect({ ...VISIT, token: 'session-1' }), { user: 'ana' });
    await refused(auth, { ...VISIT, token: 'session-2' });
  }
});

test('where tokens are accepted, a bad one is not tried as a session', async (t) => {
  let calls = 0;
  const url = await application(t, (_request, response) => {
    calls++;
    answer(response, 200, '{"user":"ana"}');
  });
  const { auth } = await openAuth(t, {}, { connect: { url } });
  await refused(auth, { ...VISIT, token: forge({ alg: 'none' }, { sub: 'ana' }) });
  assert.equal(calls, 0);
  assert.deepEqual(await auth.connect(VISIT), { user: 'ana' });
});

test('headers of the call itself cannot be passed on: the configuration is refused before anything starts', () => {
  for (const name of ['Host', 'content-length', 'a b'])
    assert.throws(
      () => configOf({ handlers: { login: { events: ['connect'], url: 'http://127.0.0.1:1/', headers: [name] } } }),
      /must be a header that can be/,
    );
});

test('a new configuration is applied as a whole, or not at all', async (t) => {
  const { auth } = await openAuth(t, { anonymous: true });
  await assert.rejects(auth.reload(configOf({ auth: { anonymous: false, jwt: {} } })), { code: 'BAD_OPTION' });
  assert.deepEqual(await auth.connect(VISIT), {});
  await auth.reload(configOf({ auth: { anonymous: false } }));
  await refused(auth, VISIT, 'NO_TOKEN');
});

test('an answer of the application from before a revocation that arrives after it is discarded, and the client has to ask again', async (t) => {
  const asked = Promise.withResolvers<ServerResponse>();
  let calls = 0;
  const url = await application(t, (_request, response) => {
    if (++calls === 1) asked.resolve(response);
    else answer(response, 200, '{"user":"ana"}');
  });
  const { auth } = await openAuth(t, {}, { connect: { url } });
  const visit = auth.connect(VISIT);
  const response = await asked.promise;
  auth.revoke('luis');
  auth.revoke('ana');
  answer(response, 200, '{"user":"ana"}');
  await assert.rejects(visit, { code: 'UNAVAILABLE', retryAfter: 3_000 });
  assert.equal((await auth.connect(VISIT))?.user, 'ana');
});

test('the application judges its own JWTs when no key is configured', async (t) => {
  const asked: unknown[] = [];
  const url = await application(t, ({ body }, response) => {
    asked.push(JSON.parse(body).token);
    answer(response, 200, '{"user":"ana"}');
  });
  const { auth } = await openAuth(t, {}, { connect: { url }, secret: null, spareSecret: 'spare'.repeat(8) });
  const theirs = forge({ alg: 'HS256' }, { sub: 'ana' }, 'a secret of the application alone, which is long');
  assert.equal((await auth.connect({ ...VISIT, token: theirs }))?.user, 'ana');
  assert.deepEqual(asked, [theirs]);
  const ours = await auth.mint({ user: 'admin boss' });
  assert.equal((await auth.connect({ ...VISIT, token: ours }))?.user, 'admin boss');
  const forged = forge({ alg: 'HS256' }, { iss: 'zocalo', sub: 'admin boss' }, 'another secret, which is long as well');
  await refused(auth, { ...VISIT, token: forged });
  assert.equal(asked.length, 1);
});
