import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { VisitorRequest } from '../../../src/hub/index.ts';
import { LIMITS } from '../../../src/protocol/index.ts';
import { Tokens } from '../../../src/server/auth/tokens.ts';
import { application, fileOf, forge, handshake, openAuth, refused, SECRET, START } from './auth-fixture.ts';

const NOW = START / 1_000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pemOf = ({ publicKey }: typeof rsa) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const HS = { alg: 'HS256', typ: 'JWT' };
const RS = { alg: 'RS256', typ: 'JWT' };

test('a token names the user, what they may do, and until when', async (t) => {
  const { auth } = await openAuth(t, {});
  const token = forge(HS, {
    sub: 'natalia',
    exp: NOW + 60,
    can: ['sub:chat:*', 'pub:chat:42', 'presence:chat:42'],
    name: 'Natalia',
  });
  assert.deepEqual(await auth.connect({ token, request: undefined }), {
    user: 'natalia',
    data: { name: 'Natalia' },
    rights: { subscribe: ['chat:*'], publish: ['chat:42'], presence: ['chat:42'] },
    expiresIn: 60_000,
  });
});

test('a token made by the daemon is accepted by it, and expires', async (t) => {
  const { auth, clock } = await openAuth(t, {});
  const rights = { subscribe: ['news'], publish: [], presence: [] };
  const token = await auth.mint({ user: 'ana', rights, expiresIn: 3_600_000 });
  assert.deepEqual(await auth.connect({ token, request: undefined }), { user: 'ana', rights, expiresIn: 3_600_000 });
  clock.advance(3_606_000);
  await refused(auth, { token, request: undefined }, 'TOKEN_EXPIRED');
});

test('only the daemon itself makes tokens of its own tools, which are no users of the application', async (t) => {
  const { auth } = await openAuth(t, { jwt: { publicKey: pemOf(rsa) } });
  const tool = { user: 'zocalo-subscribe', isInternal: true };
  assert.deepEqual(await auth.connect({ token: await auth.mint(tool), request: undefined }), tool);
  const claims = { iss: 'zocalo', sub: 'ana', internal: true };
  for (const token of [
    forge(HS, { ...claims, iss: 'shop' }),
    forge(HS, { ...claims, internal: 'true' }),
    forge(RS, claims, rsa.privateKey),
  ])
    assert.deepEqual(await auth.connect({ token, request: undefined }), { user: 'ana' });
});

test('a text that only looks like a token is for the application, and a token of the daemon is not', async () => {
  const tokens = new Tokens({ secret: SECRET, jwt: undefined, now: Date.now, fetch });
  for (const token of ['a.b.c', forge(HS, { sub: 'ana', iss: 'shop' })])
    assert.equal(await tokens.claimsToBeOwn(token), false, token);
  assert.equal(await tokens.claimsToBeOwn(await tokens.mint({ user: 'ana' })), true);
});

test('a token can be valid for years: the clock supports any duration', async (t) => {
  const { auth } = await openAuth(t, {});
  const token = await auth.mint({ user: 'ana', expiresIn: 10 * 365 * 86_400_000 });
  assert.equal((await auth.connect({ token, request: undefined }))?.expiresIn, 10 * 365 * 86_400_000);
});

test('a token can be sent in hi, in the header Authorization, or in the query', async (t) => {
  const { auth } = await openAuth(t, { anonymous: false });
  const token = forge(HS, { sub: 'ana' });
  const from = async (request: VisitorRequest, hi?: string) => (await auth.connect({ token: hi, request })).user;
  assert.equal(await from(handshake(), token), 'ana');
  assert.equal(await from(handshake({ authorization: `Bearer ${token}` })), 'ana');
  assert.equal(await from(handshake({}, `/chat?token=${token}`)), 'ana');
  await refused(auth, { token: 'bad', request: handshake({}, `/chat?token=${token}`) });
  await refused(auth, { token: undefined, request: handshake() }, 'NO_TOKEN');
});

for (const [algorithm, pair] of [
  ['RS256', rsa],
  ['ES256', ec],
  ['EdDSA', ed],
] as const) {
  test(`a token of another issuer is accepted by their public key: ${algorithm}`, async (t) => {
    const pem = pemOf(pair as typeof rsa);
    const file = fileOf(t, 'key.pem');
    writeFileSync(file, pem);
    const token = forge({ alg: algorithm }, { sub: 'ana', iss: 'shop', aud: ['a', 'zocalo'] }, pair.privateKey);
    for (const publicKey of [pem, file]) {
      const { auth } = await openAuth(t, { jwt: { publicKey, issuer: 'shop', audience: 'zocalo' } }, { secret: null });
      assert.deepEqual(await auth.connect({ token, request: undefined }), { user: 'ana' });
    }
  });
}

const ours = { sub: 'mallory' };
const theirs = { sub: 'mallory', iss: 'shop', aud: 'zocalo' };
const [other, weak] = [generateKeyPairSync('rsa', { modulusLength: 2048 }), 'x'.repeat(40)];
const good = forge(HS, ours);
const FORGED: Record<string, [token: string, reason: string]> = {
  'no algorithm': [`${forge({ alg: 'none' }, ours).replace(/[^.]*$/, '')}`, 'algorithm'],
  'no algorithm, in capitals': [forge({ alg: 'NONE' }, ours), 'algorithm'],
  'the public key as a shared secret': [forge(HS, theirs, pemOf(rsa)), 'signature'],
  'the public key in another form as a shared secret': [
    forge(HS, theirs, rsa.publicKey.export({ type: 'spki', format: 'der' })),
    'signature',
  ],
  'another secret': [forge(HS, ours, weak), 'signature'],
  'an empty secret': [forge(HS, ours, ''), 'signature'],
  'another private key': [forge(RS, theirs, other.privateKey), 'signature'],
  'a key of its own in the header': [
    forge({ ...RS, jwk: other.publicKey.export({ format: 'jwk' }) }, theirs, other.privateKey),
    'signature',
  ],
  'the shared secret under an algorithm that is not accepted': [forge({ alg: 'HS512' }, ours), 'algorithm'],
  'another curve than the key': [forge({ alg: 'ES256' }, theirs, ec.privateKey), 'algorithm'],
  'a changed payload': [
    good.replace(/\.[^.]*\./, `.${Buffer.from('{"sub":"root"}').toString('base64url')}.`),
    'signature',
  ],
  'no signature': [good.replace(/[^.]*$/, ''), 'signature'],
  'another issuer': [forge(RS, { ...theirs, iss: 'elsewhere' }, rsa.privateKey), 'issuer'],
  'no issuer': [forge(RS, { ...theirs, iss: undefined }, rsa.privateKey), 'issuer'],
  'another audience': [forge(RS, { ...theirs, aud: 'elsewhere' }, rsa.privateKey), 'audience'],
  'an end in the past': [forge(HS, { ...ours, exp: NOW - 60 }), 'expired'],
  'an end that is no number': [forge(HS, { ...ours, exp: '2099' }), 'claim'],
  'a beginning in the future': [forge(HS, { ...ours, nbf: NOW + 60 }), 'not yet valid'],
  'an issue in the future': [forge(HS, { ...ours, iat: NOW + 60 }), 'future'],
  nobody: [forge(HS, {}), 'sub'],
  'an empty user': [forge(HS, { sub: '' }), 'sub'],
  'a user that is a number': [forge(HS, '{"sub":1163456789012345678}'), 'number'],
  'claims in another encoding': [forge(HS, Buffer.from('{"sub":"Jos\xe9"}', 'latin1')), 'form'],
  'a user that is an object': [forge(HS, { sub: { $ne: null } }), 'sub'],
  'a user of many characters': [forge(HS, { sub: 'x'.repeat(256) }), 'sub has more than 255 characters'],
  'rights that are no list': [forge(HS, { ...ours, can: 'sub:*' }), '`can` is not a list'],
  'rights that are null': [forge(HS, { ...ours, can: null }), '`can` is not a list'],
  'a right of an unknown kind': [forge(HS, { ...ours, can: ['sub:news', 'admin:*'] }), 'can'],
  'a right without a channel': [forge(HS, { ...ours, can: ['sub:'] }), 'can'],
  'a right to what is no pattern': [forge(HS, { ...ours, can: ['sub:a**'] }), 'can'],
  'a right that is a list': [forge(HS, { ...ours, can: [['sub:news']] }), 'can'],
  'too many rights': [forge(HS, { ...ours, can: Array(1_001).fill('sub:a') }), 'characters'],
  'nine thousand characters': [`${good}${'A'.repeat(9_000)}`, 'characters'],
  'an unknown critical header': [forge({ ...HS, crit: ['x'], x: 1 }, ours), 'form'],
  'a payload that is no JSON': [forge(HS, 'hola'), 'form'],
  'a payload that is a list': [forge(HS, []), 'form'],
  'no token at all': ['hola', 'form'],
  dots: ['....', 'form'],
  nothing: ['', 'form'],
};

for (const [name, [token, reason]] of Object.entries(FORGED)) {
  test(`a token is refused, and the log says why: ${name}`, async (t) => {
    const { auth, log } = await openAuth(t, { jwt: { publicKey: pemOf(rsa), issuer: 'shop', audience: 'zocalo' } });
    await refused(auth, { token, request: handshake() }, reason === 'expired' ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID');
    assert.equal(log.lines.length, 1);
    assert.match(log.text, /a token was refused: /);
    assert.ok(log.text.includes(reason), log.text);
    assert.match(log.text, /192\.0\.2\.7/);
    for (const part of [SECRET, 'mallory', ...token.split('.').filter((part) => part.length > 8)])
      assert.ok(!log.text.includes(part), `the log has ${part}`);
  });
}

test('a token may have been issued ahead of our clock by the leeway, and no more', async (t) => {
  const { auth } = await openAuth(t, { jwt: { publicKey: pemOf(rsa), leeway: '10s' } });
  const issued = (iat: number) => ({ token: forge(RS, { ...ours, iat }, rsa.privateKey), request: undefined });
  for (const iat of [NOW - 60, NOW, NOW + 10]) assert.equal((await auth.connect(issued(iat)))?.user, ours.sub);
  await refused(auth, issued(NOW + 11));
});

test('a token is accepted after its end within the leeway, and is over at once', async (t) => {
  const { auth } = await openAuth(t, { jwt: { publicKey: pemOf(rsa), leeway: '10s' } });
  const ending = (exp: number) => ({ token: forge(RS, { ...ours, exp }, rsa.privateKey), request: undefined });
  for (const [exp, expiresIn] of [
    [NOW + 1, 1_000],
    [NOW - 9.995, 0],
  ] as const)
    assert.deepEqual(await auth.connect(ending(exp)), { user: ours.sub, expiresIn });
  await refused(auth, ending(NOW - 10), 'TOKEN_EXPIRED');
});

test('a revocation also refuses tokens of other issuers whose clock is ahead by the leeway, and no later ones', async (t) => {
  const { auth } = await openAuth(t, { jwt: { publicKey: pemOf(rsa), leeway: '10s' } });
  auth.revoke('ana');
  const claims = (iat: number) => ({ sub: 'ana', iss: 'zocalo', iat });
  const theirs = (iat: number) => ({ token: forge(RS, claims(iat), rsa.privateKey), request: undefined });
  const shops = (iat: number) => ({ token: forge(HS, { ...claims(iat), iss: 'shop' }), request: undefined });
  for (const visit of [theirs(NOW), theirs(NOW + 10), shops(NOW), shops(NOW + 5)])
    await refused(auth, visit, 'TOKEN_REVOKED');
  const { auth: other } = await openAuth(t, { jwt: { publicKey: pemOf(rsa), leeway: '10s' } });
  other.revoke('luis');
  for (const visit of [theirs(NOW), shops(NOW)]) assert.equal((await other.connect(visit)).user, 'ana');
});

test('of the revocations that other nodes report, the latest counts, in whatever order they come', async (t) => {
  const { auth } = await openAuth(t, { jwt: { publicKey: pemOf(rsa), leeway: '0s' } });
  const issued = (iat: number) => ({
    token: forge(RS, { sub: 'ana', iss: 'zocalo', iat }, rsa.privateKey),
    request: undefined,
  });
  auth.learnRevocation('ana', (NOW - 10) * 1_000);
  auth.learnRevocation('ana', (NOW - 60) * 1_000);
  await refused(auth, issued(NOW - 30), 'TOKEN_REVOKED');
  assert.equal((await auth.connect(issued(NOW - 5))).user, 'ana');
});

test('a token may have as many characters as a line of the protocol allows, and its user 255', async (t) => {
  const { auth, log } = await openAuth(t, {});
  const sub = 'x'.repeat(255);
  const long = (length: number) => forge(HS, { sub, filling: 'x'.repeat(length) });
  let length = 5_000;
  while (long(length).length < LIMITS.token) length++;
  assert.equal(long(length).length, LIMITS.token);
  assert.equal((await auth.connect({ token: long(length), request: undefined })).user, sub);
  await refused(auth, { token: long(length + 1), request: undefined });
  assert.match(log.text, new RegExp(`more than ${LIMITS.token} characters`));
});

test('without a secret no token is made, and the error says what to add', async (t) => {
  const { auth } = await openAuth(t, {}, { secret: null });
  await assert.rejects(auth.mint({ user: 'ana' }), { code: 'BAD_OPTION', message: /`secret`.*zocalo init/ });
});

test('a token that cannot be checked is refused, even where anonymous users are accepted', async (t) => {
  const { auth, log } = await openAuth(t, {}, { secret: null });
  await refused(auth, { token: good, request: undefined });
  assert.match(log.text, /an algorithm that is not accepted here/);
  assert.deepEqual(await auth.connect({ token: undefined, request: undefined }), {});
});

test('a client that sends bad tokens all day does not fill the log', async (t) => {
  const { auth, log, clock } = await openAuth(t, {});
  for (let n = 0; n < 1_000; n++) await refused(auth, { token: 'bad', request: undefined });
  assert.equal(log.lines.length, 10);
  clock.advance(60_000);
  await refused(auth, { token: 'bad', request: undefined });
  assert.equal(log.lines[10]!.fields.leftOut, 990);
});

const spki = (type: 'rsa' | 'ec' | 'ed448', options: object = {}) =>
  pemOf(generateKeyPairSync(type as 'rsa', options as { modulusLength: number }));

for (const [name, [jwt, told]] of Object.entries({
  'a private key': [{ publicKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }, /private key/],
  'a key of 1024 bits': [{ publicKey: spki('rsa', { modulusLength: 1024 }) }, /has 1024 bits, and must have 2048/],
  'another curve': [{ publicKey: spki('ec', { namedCurve: 'P-384' }) }, /a kind that is not accepted/],
  'another kind of key': [{ publicKey: spki('ed448') }, /a kind that is not accepted/],
  'no key': [
    { publicKey: '-----BEGIN PUBLIC KEY-----\nhola\n-----END PUBLIC KEY-----' },
    /not a public key in PEM form/,
  ],
  'no file': [{ publicKey: '/nowhere/key.pem' }, /cannot be read from \/nowhere\/key\.pem/],
  'neither key nor URL': [{}, /one of publicKey and jwks/],
  'an algorithm that does not fit the key': [{ publicKey: pemOf(rsa), algorithms: ['ES256'] }, /is for RS256/],
} satisfies Record<string, [object, RegExp]>))
  test(`the daemon does not start with ${name} in auth.jwt`, async (t) => {
    await assert.rejects(openAuth(t, { jwt }), { code: 'BAD_OPTION', message: told });
  });

/** Keys at a URL, and how often they were asked for. */
async function published(t: Parameters<typeof application>[0], answer: () => [status: number, body: string]) {
  const asked = { times: 0 };
  const jwks = await application(t, (_request, response) => {
    asked.times++;
    const [status, body] = answer();
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body);
  });
  return { jwks, asked };
}

const jwkOf = (kid: string) => ({ ...rsa.publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' });

test('published keys are fetched once, and a flood of unknown ones causes no further requests', async (t) => {
  const { jwks, asked } = await published(t, () => [200, JSON.stringify({ keys: [jwkOf('one')] })]);
  const { auth, log } = await openAuth(t, { jwt: { jwks } });
  const token = forge({ ...RS, kid: 'one' }, { sub: 'ana' }, rsa.privateKey);
  for (let n = 0; n < 5; n++) assert.equal((await auth.connect({ token, request: undefined }))?.user, 'ana');
  for (let n = 0; n < 5; n++) {
    const unknown = forge({ ...RS, kid: `no ${n}` }, { sub: 'ana' }, other.privateKey);
    await refused(auth, { token: unknown, request: undefined });
  }
  assert.equal(asked.times, 1);
  assert.match(log.text, /no published key/);
});

test('published keys may take 256 KiB, and not a byte more', async (t) => {
  let size = 256 * 1_024;
  const { jwks } = await published(t, () => [200, JSON.stringify({ keys: [jwkOf('one')] }).padEnd(size)]);
  const visit = { token: forge({ ...RS, kid: 'one' }, { sub: 'ana' }, rsa.privateKey), request: undefined };
  assert.equal((await (await openAuth(t, { jwt: { jwks } })).auth.connect(visit))?.user, 'ana');
  size++;
  await assert.rejects((await openAuth(t, { jwt: { jwks } })).auth.connect(visit), { code: 'UNAVAILABLE' });
});

test('an answer that is not used is not left open', async (t) => {
  let cancelled = 0;
  const fetch = async () => new Response(new ReadableStream({ cancel: () => void cancelled++ }), { status: 503 });
  const { auth } = await openAuth(t, { jwt: { jwks: 'http://127.0.0.1:1/' } }, { fetch });
  const token = forge({ ...RS, kid: 'one' }, { sub: 'ana' }, rsa.privateKey);
  await assert.rejects(auth.connect({ token, request: undefined }), { code: 'UNAVAILABLE' });
  assert.equal(cancelled, 1);
});

test('a shared secret among the published keys is not accepted as a signing key', async (t) => {
  const oct = { kty: 'oct', k: Buffer.from('published').toString('base64url'), kid: 'one', alg: 'HS256' };
  const { jwks } = await published(t, () => [200, JSON.stringify({ keys: [oct] })]);
  const { auth } = await openAuth(t, { jwt: { jwks } });
  const token = forge({ ...HS, kid: 'one' }, { sub: 'ana' }, 'published');
  await refused(auth, { token, request: undefined });
});

for (const [name, [status, body, reason]] of Object.entries({
  'with an error': [500, '{}', /status 500/],
  'with a redirect': [302, '', /status 302/],
  'with no JSON': [200, '<html>', /JSON/],
  'with no keys': [200, '{"hola":1}', /without a list of keys/],
  'without end': [200, JSON.stringify({ keys: [], filling: 'x'.repeat(300_000) }), /262144/],
} satisfies Record<string, [status: number, body: string, reason: RegExp]>)) {
  test(`when the URL of the keys answers ${name}, nobody is accepted, all are told to try again, and the URL is left alone for a while`, async (t) => {
    const { jwks, asked } = await published(t, () => [status, body]);
    const { auth, clock, log } = await openAuth(t, { jwt: { jwks } });
    const token = forge({ ...RS, kid: 'one' }, { sub: 'ana' }, rsa.privateKey);
    for (let n = 0; n < 3; n++)
      await assert.rejects(auth.connect({ token, request: undefined }), { code: 'UNAVAILABLE', retryAfter: 5_000 });
    assert.match(log.text, /auth\.jwt\.jwks/);
    assert.match(String(log.lines[0]!.fields.reason), reason);
    assert.equal(asked.times, 1);
    clock.advance(4_999);
    await assert.rejects(auth.connect({ token, request: undefined }), { code: 'UNAVAILABLE' });
    assert.match(String(log.lines.at(-1)!.fields.reason), /a moment ago/);
    assert.equal(asked.times, 1);
    clock.advance(1);
    await assert.rejects(auth.connect({ token, request: undefined }), { code: 'UNAVAILABLE' });
    assert.equal(asked.times, 2);
  });
}

for (const [name, sub] of Object.entries({
  'a new line': 'ana\nroot',
  colours: '\u001b[31mana',
  'half a character': 'a\ud800',
  'nothing but dots': '..',
}))
  test(`a user id with ${name} is refused`, async (t) => {
    const { auth, log } = await openAuth(t, {});
    await refused(auth, { token: forge(HS, { sub }), request: undefined });
    assert.match(log.text, /control characters/);
  });

for (const authorization of ['Bearer', 'Bearer ', 'bearer two words'])
  test(`the header ${JSON.stringify(authorization)} without a valid token does not make an anonymous user`, async (t) => {
    const { auth } = await openAuth(t, {});
    assert.deepEqual(await auth.connect({ token: undefined, request: handshake() }), {});
    await refused(auth, { token: undefined, request: handshake({ authorization }) });
  });
