import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundleSdk } from '../../scripts/bundle-sdk.ts';

/** What the SDK promises to cost a page. */
const LIMIT = 8_192;

test('the SDK has under 8 KB, minified and gzipped', async (t) => {
  const { code } = await bundleSdk();
  const size = gzipSync(code, { level: 9 }).length;
  t.diagnostic(`${code.length} bytes minified, ${size} gzipped`);
  assert.ok(size < LIMIT, `it has ${size} bytes, and may have ${LIMIT}`);
});
