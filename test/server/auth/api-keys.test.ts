import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiKeys } from '../../../src/server/auth/index.ts';
import { configSchema } from '../../../src/server/config/index.ts';

const [SHOP, BOSS] = ['shop'.repeat(8), 'boss'.repeat(8)];
const keys = new ApiKeys(
  configSchema.parse({
    api: {
      keys: [
        { name: 'shop', key: SHOP, channels: ['orders:*'] },
        { name: 'boss', key: BOSS, can: ['admin'] },
      ],
    },
  }).api.keys,
);

test('a key has its rights in its channels, and no others', () => {
  const shop = keys.find(`Bearer ${SHOP}`)!;
  assert.equal(shop.name, 'shop');
  assert.ok(shop.may('publish') && shop.may('publish', 'orders:42'));
  assert.ok(!shop.may('publish', 'news') && !shop.may('read', 'orders:42') && !shop.may('admin'));
});

test('a key that can admin has every right', () => {
  const boss = keys.find(`bearer ${BOSS}`)!;
  assert.ok(boss.may('admin') && boss.may('users') && boss.may('read', 'news') && boss.may('publish', 'news'));
});

test('anything but a key of the configuration is refused', () => {
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    SHOP,
    `Basic ${SHOP}`,
    `Bearer ${SHOP}x`,
    `Bearer ${SHOP.slice(1)}`,
  ];
  for (const header of [...wrong, `Bearer ${SHOP} ${SHOP}`, `Bearer ${BOSS.toUpperCase()}`, 'Bearer undefined'])
    assert.equal(keys.find(header), undefined, header);
  assert.equal(new ApiKeys([]).find(`Bearer ${SHOP}`), undefined);
});
