import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundlePlainPage, bundleSdk } from '../../scripts/bundle-sdk.ts';

/** What the SDK promises to cost a page. */
const LIMIT = 8_192;

const gzipped = (code: string) => gzipSync(code, { level: 9 }).length;

test('a page that imports the client loads under 8 KB, minified and gzipped', async (t) => {
  const files = await bundlePlainPage();
  const size = files.map(gzipped).reduce((sum, size) => sum + size);
  const { code } = await bundleSdk();
  t.diagnostic(`${size} bytes in ${files.length} files; with the patterns, in one file: ${gzipped(code)}`);
  assert.ok(files.length > 0 && files[0]!.length > 10_000);
  assert.ok(size < LIMIT, `it has ${size} bytes, and may have ${LIMIT}`);
});
