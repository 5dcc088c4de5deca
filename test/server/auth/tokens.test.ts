import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { application, doors, fileOf, forge, handshake, refused, SECRET, START } from './doors.ts';

const NOW = START / 1_000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pemOf = ({ publicKey }: typeof rsa) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const HS = { alg: 'HS256', typ: 'JWT' };
const RS = { alg: 'RS256', typ: 'JWT' };

test('a token names the user, what they may do, and until when', async (t) => {
  const { auth } = await doors(t, {});
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

test('a token that the daemon made is taken by it, and expires', async (t) => {
  const { auth, clock } = await doors(t, {});
  const rights = { subscribe: ['news'], publish: [], presence: [] };
  const token = await auth.mint({ user: 'ana', rights, expiresIn: 3_600_000 });
  assert.deepEqual(await auth.connect({ token, request: undefined }), { user: 'ana', rights, expiresIn: 3_600_000 });
  clock.advance(3_606_000);
  await refused(auth, { token, request: undefined }, 'TOKEN_EXPIRED');
});

test('a token that is good for years is good for years: the clock keeps any time', async (t) => {
  const { auth } = await doors(t, {});
  const token = await auth.mint({ user: 'ana', expiresIn: 10 * 365 * 86_400_000 });
  assert.equal((await auth.connect({ token, request: undefined }))?.expiresIn, 10 * 365 * 86_400_000);
});

test('a token comes by hi, by the header Authorization, or by the query', async (t) => {
  const { auth } = await doors(t, { anonymous: false });
  const token = forge(HS, { sub: 'ana' });
  const from = async (request: object, hi?: string) => (await auth.connect({ token: hi, request })).user;
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
  test(`a token of somebody else is taken by their public key: ${algorithm}`, async (t) => {
    const pem = pemOf(pair as typeof rsa);
    const file = fileOf(t, 'key.pem');
    writeFileSync(file, pem);
    const token = forge({ alg: algorithm }, { sub: 'ana', iss: 'shop', aud: ['a', 'zocalo'] }, pair.privateKey);
    for (const publicKey of [pem, file]) {
      const { auth } = await doors(t, { jwt: { publicKey, issuer: 'shop', audience: 'zocalo' } }, { secret: null });
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
  'a user of many characters': [forge(HS, { sub: 'x'.repeat(256) }), 'sub'],
  'rights that are no list': [forge(HS, { ...ours, can: 'sub:*' }), 'can'],
  'rights that are null': [forge(HS, { ...ours, can: null }), 'can'],
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
    const { auth, log } = await doors(t, { jwt: { publicKey: pemOf(rsa), issuer: 'shop', audience: 'zocalo' } });
    await refused(auth, { token, request: handshake() }, reason === 'expired' ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID');
    assert.equal(log.lines.length, 1);
    assert.match(log.text, /a token was refused: /);
    assert.ok(log.text.includes(reason), log.text);
    assert.match(log.text, /192\.0\.2\.7/);
    for (const part of [SECRET, 'mallory', ...token.split('.').filter((part) => part.length > 8)])
      assert.ok(!log.text.includes(part), `the log has ${part}`);
  });
}

test('a token is refused where nothing could check it, though strangers may come in', async (t) => {
  const { auth } = await doors(t, {}, { secret: null });
  await refused(auth, { token: good, request: undefined });
  assert.deepEqual(await auth.connect({ token: undefined, request: undefined }), {});
});

test('whoever sends bad tokens all day does not fill the log', async (t) => {
  const { auth, log, clock } = await doors(t, {});
  for (let n = 0; n < 1_000; n++) await refused(auth, { token: 'bad', request: undefined });
  assert.equal(log.lines.length, 10);
  clock.advance(60_000);
  await refused(auth, { token: 'bad', request: undefined });
  assert.match(log.lines[10]!, /"leftOut":990/);
});

for (const [name, jwt] of Object.entries({
  'a private key': { publicKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
  'a key of 1024 bits': { publicKey: pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }) as typeof rsa) },
  'another curve': { publicKey: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }) as unknown as typeof rsa) },
  'no key': { publicKey: '-----BEGIN PUBLIC KEY-----\nhola\n-----END PUBLIC KEY-----' },
  'no file': { publicKey: '/nowhere/key.pem' },
  'neither key nor URL': {},
  'an algorithm that does not fit the key': { publicKey: pemOf(rsa), algorithms: ['ES256'] },
}))
  test(`the daemon does not start with ${name} in auth.jwt`, async (t) => {
    await assert.rejects(doors(t, { jwt }), { code: 'BAD_OPTION' });
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

test('published keys are asked for once, and a flood of unknown ones asks no more', async (t) => {
  const { jwks, asked } = await published(t, () => [200, JSON.stringify({ keys: [jwkOf('one')] })]);
  const { auth, log } = await doors(t, { jwt: { jwks } });
  const token = forge({ ...RS, kid: 'one' }, { sub: 'ana' }, rsa.privateKey);
  for (let n = 0; n < 5; n++) assert.equal((await auth.connect({ token, request: undefined }))?.user, 'ana');
  for (let n = 0; n < 5; n++) {
    const unknown = forge({ ...RS, kid: `no ${n}` }, { sub: 'ana' }, other.privateKey);
    await refused(auth, { token: unknown, request: undefined });
  }
  assert.equal(asked.times, 1);
  assert.match(log.text, /no published key/);
});

test('a shared secret among the published keys signs nothing', async (t) => {
  const oct = { kty: 'oct', k: Buffer.from('published').toString('base64url'), kid: 'one', alg: 'HS256' };
  const { jwks } = await published(t, () => [200, JSON.stringify({ keys: [oct] })]);
  const { auth } = await doors(t, { jwt: { jwks } });
  const token = forge({ ...HS, kid: 'one' }, { sub: 'ana' }, 'published');
  await refused(auth, { token, request: undefined });
});

for (const [name, answer] of Object.entries({
  'with an error': [500, '{}'],
  'with a redirect': [302, ''],
  'with no JSON': [200, '<html>'],
  'with no keys': [200, '{"hola":1}'],
  'without end': [200, JSON.stringify({ keys: [], filling: 'x'.repeat(300_000) })],
} satisfies Record<string, [number, string]>)) {
  test(`when the URL of the keys answers ${name}, nobody comes in, all come back, and it is left in peace`, async (t) => {
    const { jwks, asked } = await published(t, () => answer as [number, string]);
    const { auth, clock, log } = await doors(t, { jwt: { jwks } });
    const token = forge({ ...RS, kid: 'one' }, { sub: 'ana' }, rsa.privateKey);
    for (let n = 0; n < 3; n++)
      await assert.rejects(auth.connect({ token, request: undefined }), { code: 'UNAVAILABLE', retryAfter: 5_000 });
    assert.match(log.text, /auth\.jwt\.jwks/);
    assert.equal(asked.times, 1);
    clock.advance(5_000);
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
  test(`a user whose id has ${name} is nobody`, async (t) => {
    const { auth, log } = await doors(t, {});
    await refused(auth, { token: forge(HS, { sub }), request: undefined });
    assert.match(log.text, /control characters/);
  });

for (const authorization of ['Bearer', 'Bearer ', 'bearer two words'])
  test(`who says ${JSON.stringify(authorization)} and nothing that is a token is no stranger`, async (t) => {
    const { auth } = await doors(t, {});
    assert.deepEqual(await auth.connect({ token: undefined, request: handshake() }), {});
    await refused(auth, { token: undefined, request: handshake({ authorization }) });
  });
