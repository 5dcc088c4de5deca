import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { application, configOf, doors, forge, handshake, refused } from './doors.ts';

const VISIT = { token: undefined, request: handshake({ cookie: 'PHPSESSID=s3cret', 'x-other': 'no' }, '/chat?a=1') };
const answer = (response: ServerResponse, status: number, body = '', headers = {}) =>
  response.writeHead(status, headers).end(body);

test('the application says who a visitor is, by their cookies', async (t) => {
  let asked: unknown;
  const url = await application(t, ({ method, headers, body }, response) => {
    asked = {
      method,
      cookie: headers.cookie,
      type: headers['content-type'],
      other: headers['x-other'],
      ...JSON.parse(body),
    };
    answer(response, 200, '{"user":42,"can":["sub:chat:*"],"data":{"name":"Ana"},"expiresIn":"1h"}');
  });
  const { auth } = await doors(t, { hook: { url } });
  assert.deepEqual(await auth.connect(VISIT), {
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
    url: '/chat?a=1',
    address: '192.0.2.7',
  });
});

test('people with long numbers for ids are as many users, whatever else the answer holds', async (t) => {
  const answers = [
    ['{"user":1163456789012345678}', '1163456789012345678'],
    ['\n{ "data": {"user": 1}, "user" :\t1163456789012345679 }', '1163456789012345679'],
    ['{"user":7,"\\u0075ser":123456789012345678901234567890}', '123456789012345678901234567890'],
    ['{"user":-3}', '-3'],
    ['{"user":0}', '0'],
  ] as const;
  const bodies = answers.map(([body]) => body).values();
  const url = await application(t, (_request, response) => answer(response, 200, bodies.next().value));
  const { auth } = await doors(t, { hook: { url } });
  for (const [body, user] of answers) assert.equal((await auth.connect(VISIT))?.user, user, body);
});

test('whom the application does not know is a stranger, who comes in if strangers may', async (t) => {
  const url = await application(t, (_request, response) => answer(response, 200, '{"user":null}'));
  assert.deepEqual(await (await doors(t, { hook: { url } })).auth.connect(VISIT), {});
  await refused((await doors(t, { hook: { url }, anonymous: false })).auth, VISIT, 'NO_TOKEN');
});

for (const [name, status, body] of [
  ['401', 401, ''],
  ['403', 403, 'no'],
  ['deny', 200, '{"deny":true,"user":"ana"}'],
] as const)
  test(`the application turns a visitor away with ${name}`, async (t) => {
    const url = await application(t, (_request, response) => answer(response, status, body));
    await refused((await doors(t, { hook: { url } })).auth, VISIT, 'REFUSED');
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
  'rights that are no list': (response) => answer(response, 200, '{"user":"ana","can":"sub:*"}'),
  'rights of an unknown kind': (response) => answer(response, 200, '{"user":"ana","can":["all:*"]}'),
  'an end that is none': (response) => answer(response, 200, '{"user":"ana","expiresIn":"soon"}'),
  'a denial that is a text': (response) => answer(response, 200, '{"user":"ana","deny":"yes"}'),
  'too much': (response) => answer(response, 200, JSON.stringify({ user: 'ana', data: 'x'.repeat(70_000) })),
  'no answer': (response) => response.socket!.destroy(),
  'half an answer': (response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"user":"ana"}', () => response.socket!.destroy());
  },
};

for (const [name, reply] of Object.entries(NONSENSE))
  test(`nobody comes in, and all are asked to come back, when the application answers with ${name}`, async (t) => {
    let calls = 0;
    const url = await application(t, (_request, response) => {
      calls++;
      reply(response);
    });
    const { auth, log } = await doors(t, { hook: { url } });
    await assert.rejects(auth.connect(VISIT), { name: 'ProtocolError', code: 'UNAVAILABLE', retryAfter: 3_000 });
    assert.equal(calls, 1);
    assert.match(log.text, /error the hook auth\.hook failed/);
    assert.ok(!log.text.includes('s3cret'), log.text);
  });

test('an application that is down or never answers lets nobody in, and the log says so once in a while', async (t) => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const down = await doors(t, { hook: { url: `http://127.0.0.1:${port}/` } });
  for (let n = 0; n < 50; n++) await assert.rejects(down.auth.connect(VISIT), { code: 'UNAVAILABLE' });
  assert.equal(down.log.lines.length, 10);
  assert.match(down.log.text, /cannot be reached \(ECONNREFUSED\)/);
  const url = await application(t, () => {});
  const slow = await doors(t, { hook: { url, timeout: 50 } });
  await assert.rejects(slow.auth.connect(VISIT), { code: 'UNAVAILABLE' });
  assert.match(slow.log.text, /no answer came within 50 ms/);
});

test('an application is asked for so many visitors at a time, and the others wait', async (t) => {
  const held: ServerResponse[] = [];
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const url = await application(t, (_request, response) => {
    held.push(response);
    if (held.length === 32) resolve();
  });
  const { auth } = await doors(t, { hook: { url } });
  const visits = Array.from({ length: 40 }, () => auth.connect(VISIT));
  await full;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(held.length, 32);
  const finish = setInterval(() => {
    for (const response of held.splice(0)) answer(response, 200, '{"user":"ana"}');
  }, 1);
  t.after(() => clearInterval(finish));
  for (const identity of await Promise.all(visits)) assert.deepEqual(identity, { user: 'ana' });
});

test('a visitor comes in when the application closes the connection that was kept to it, and all others that were', async (t) => {
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
  const { auth, log } = await doors(t, { hook: { url } });
  await Promise.all([auth.connect(VISIT), auth.connect(VISIT), auth.connect(VISIT)]);
  for (let n = 1; n <= 3; n++) {
    assert.equal((await auth.connect(VISIT))?.user, 'ana');
    assert.equal(cut, n);
  }
  assert.deepEqual(log.lines, []);
});

test('a token that only the application can judge goes to it, and a stranger it is not', async (t) => {
  const url = await application(t, ({ body }, response) =>
    answer(response, 200, JSON.stringify({ user: JSON.parse(body).token === 'session-1' ? 'ana' : null })),
  );
  for (const options of [{ secret: null }, {}]) {
    const { auth } = await doors(t, { hook: { url } }, options);
    assert.deepEqual(await auth.connect({ ...VISIT, token: 'session-1' }), { user: 'ana' });
    await refused(auth, { ...VISIT, token: 'session-2' });
  }
});

test('where tokens are taken, a bad one is not tried as a session', async (t) => {
  let calls = 0;
  const url = await application(t, (_request, response) => {
    calls++;
    answer(response, 200, '{"user":"ana"}');
  });
  const { auth } = await doors(t, { hook: { url } });
  await refused(auth, { ...VISIT, token: forge({ alg: 'none' }, { sub: 'ana' }) });
  assert.equal(calls, 0);
  assert.deepEqual(await auth.connect(VISIT), { user: 'ana' });
});

test('headers that belong to the call itself cannot be passed on: the configuration says so, before anything starts', () => {
  for (const name of ['Host', 'content-length', 'a b'])
    assert.throws(
      () => configOf({ hook: { url: 'http://127.0.0.1:1/', headers: [name] } }),
      /must be a header that can be/,
    );
});

test('a new config is taken whole, or not at all', async (t) => {
  const { auth } = await doors(t, { anonymous: true });
  await assert.rejects(auth.reload(configOf({ anonymous: false, jwt: {} })), { code: 'BAD_OPTION' });
  assert.deepEqual(await auth.connect(VISIT), {});
  await auth.reload(configOf({ anonymous: false }));
  await refused(auth, VISIT, 'NO_TOKEN');
});

test('what the application said before a revocation, and comes after it, is asked again', async (t) => {
  const asked = Promise.withResolvers<ServerResponse>();
  let calls = 0;
  const url = await application(t, (_request, response) => {
    if (++calls === 1) asked.resolve(response);
    else answer(response, 200, '{"user":"ana"}');
  });
  const { auth } = await doors(t, { hook: { url } });
  const visit = auth.connect(VISIT);
  const response = await asked.promise;
  auth.revoke('luis');
  auth.revoke('ana');
  answer(response, 200, '{"user":"ana"}');
  await assert.rejects(visit, { code: 'UNAVAILABLE', retryAfter: 3_000 });
  assert.equal((await auth.connect(VISIT))?.user, 'ana');
});

test("a token of the application in the form of a JWT is the hook's to judge where no key is configured", async (t) => {
  const asked: unknown[] = [];
  const url = await application(t, ({ body }, response) => {
    asked.push(JSON.parse(body).token);
    answer(response, 200, '{"user":"ana"}');
  });
  const { auth } = await doors(t, { hook: { url } }, { secret: null, spareSecret: 'spare'.repeat(8) });
  const theirs = forge({ alg: 'HS256' }, { sub: 'ana' }, 'a secret of the application alone, which is long');
  assert.equal((await auth.connect({ ...VISIT, token: theirs }))?.user, 'ana');
  assert.deepEqual(asked, [theirs]);
  const ours = await auth.mint({ user: 'admin boss' });
  assert.equal((await auth.connect({ ...VISIT, token: ours }))?.user, 'admin boss');
  const forged = forge({ alg: 'HS256' }, { iss: 'zocalo', sub: 'admin boss' }, 'another secret, which is long as well');
  await refused(auth, { ...VISIT, token: forged });
  assert.equal(asked.length, 1);
});
