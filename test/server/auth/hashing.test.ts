import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { dummyHash, HashThreads, readHash, usualCost } from '../../../src/server/auth/hashing/index.ts';
import { CHEAP, noArgon2, noPhp, phpHash } from '../../support/php-hash.ts';

function threads(t: TestContext) {
  const hashing = new HashThreads();
  t.after(() => hashing.close());
  return hashing;
}

const BCRYPT = '$2y$10$WHFDS9e/9J3rE11ntJ5AyeBzocaloXzocaloXzocaloXzocaloXzo';
const SALT = 'bXlvTjVkV1A2WVhxSGlPbw';
const HASH = 'G812cwmXatb4GNNOIN0UlCmdhH7lqiWJ2hKu1/Qa1Ro';

test('the passwords that PHP hashes with bcrypt are right, and others are wrong', { skip: noPhp }, async (t) => {
  const hashing = threads(t);
  for (const password of ['correct horse', 'ñandú € 🐎', 'e\u0301', ' x ', 'x'.repeat(72), 'ñ'.repeat(40)]) {
    const hash = phpHash(password);
    for (const mark of ['2y', '2a', '2b']) {
      const { text } = readHash(hash.replace('2y', mark))!;
      assert.equal(await hashing.verify(password, text), true, `${mark} ${password}`);
      assert.equal(await hashing.verify(`!${password}`, text), false, `${mark} ${password}`);
    }
  }
  // PHP reads 72 bytes, so that its own check takes these, too.
  assert.equal(await hashing.verify(`${'x'.repeat(72)}y`, phpHash('x'.repeat(72))), true);
  assert.equal(await hashing.verify('x'.repeat(71), phpHash('x'.repeat(72))), false);
});

for (const algorithm of ['PASSWORD_ARGON2ID', 'PASSWORD_ARGON2I'])
  test(`the passwords that PHP hashes with ${algorithm} are right, and others are wrong`, {
    skip: noArgon2,
  }, async (t) => {
    const hashing = threads(t);
    for (const password of ['correct horse', 'ñandú € 🐎', 'x'.repeat(300)]) {
      const { text } = readHash(phpHash(password, algorithm, CHEAP))!;
      assert.equal(await hashing.verify(password, text), true);
      assert.equal(await hashing.verify(`${password}x`, text), false);
    }
  });

test('what PHP chooses is accepted', { skip: noArgon2 }, () => {
  for (const algorithm of ['PASSWORD_BCRYPT', 'PASSWORD_ARGON2ID'])
    assert.ok(readHash(phpHash('x', algorithm, '[]')), algorithm);
});

test('an empty password and one with a NUL are never right', { skip: noPhp }, async (t) => {
  const hashing = threads(t);
  assert.equal(await hashing.verify('', phpHash('')), false);
  assert.equal(await hashing.verify('abc\0def', phpHash('abc')), false);
});

test('a hash of another form, or one whose check costs too much, is not used', () => {
  const argon2 = (numbers: string) => `$argon2id$v=19$${numbers}$${SALT}$${HASH}`;
  assert.deepEqual(readHash(BCRYPT), { cost: '$2y$10$', text: BCRYPT });
  assert.equal(readHash(argon2('m=65536,t=4,p=1'))?.cost, '$argon2id$v=19$m=65536,t=4,p=1$');
  for (const text of [
    '',
    'secret',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    BCRYPT.slice(0, -1),
    `${BCRYPT}x`,
    BCRYPT.replace('$2y', '$2x'),
    BCRYPT.replace('$10', '$03'),
    BCRYPT.replace('$10', '$15'),
    BCRYPT.replace('$10', '$31'),
    argon2('m=65536,t=4,p=1').replace('argon2id', 'argon2d'),
    argon2('m=65536,t=4,p=1').replace('v=19', 'v=16'),
    argon2('m=262145,t=1,p=1'),
    argon2('m=65536,t=17,p=1'),
    argon2('m=4194304,t=1,p=1'),
    argon2('m=65536,t=0,p=1'),
    argon2('m=65536,t=4,p=0'),
    argon2('m=65536,t=4,p=17'),
    argon2('m=8,t=1,p=2'),
  ])
    assert.equal(readHash(text), undefined, text);
});

test('the dummy hash has the cost of most, and the thread can check it', async (t) => {
  const argon2 = `$argon2id$v=19$m=64,t=1,p=1$${SALT}$${HASH}`;
  assert.equal(usualCost([BCRYPT, argon2, argon2, 'secret', 'secret', 'secret']), '$argon2id$v=19$m=64,t=1,p=1$');
  assert.equal(usualCost(['secret']), undefined);
  const hashing = threads(t);
  for (const cost of ['$2y$04$', '$argon2id$v=19$m=64,t=1,p=1$', '$argon2i$v=19$m=64,t=1,p=1$']) {
    const dummy = dummyHash(cost);
    assert.equal(readHash(dummy)?.cost, cost);
    assert.equal(await hashing.verify('x', dummy), false);
  }
  assert.equal(readHash(dummyHash())?.cost, '$2y$12$');
});

test('a thread that ends fails the check, and the next one gets another thread', async (t) => {
  const hashing = threads(t);
  // The form is right, and the memory is more than WebAssembly has.
  await assert.rejects(hashing.verify('x', `$argon2id$v=19$m=4194304,t=1,p=1$${SALT}$${HASH}`));
  assert.equal(await hashing.verify('x', dummyHash('$2y$04$')), false);
  const late = hashing.verify('x', dummyHash('$2y$10$'));
  hashing.close();
  await assert.rejects(late, /ended/);
  await assert.rejects(hashing.verify('x', dummyHash('$2y$04$')), /closed/);
});
