import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { OURS, PEERS, sizesReport } from '../../bench/sizes/index.ts';
import { bundlePlainPage } from '../../scripts/bundle-sdk.ts';

const TABLE = readFileSync(new URL('../../bench/SIZES.md', import.meta.url), 'utf8');

test('the table of sizes has a row for what can be imported, and for each peer in the version that is installed', () => {
  const rows = [...OURS.map(({ what }) => what), ...PEERS.map(({ name, version }) => `${name} ${version}`)];
  for (const what of rows) assert.match(TABLE, new RegExp(`^\\| ${what} \\| [\\d,]+ \\|`, 'm'), what);
});

test('the table of sizes says of the plain client what is true today: otherwise, npm run bench:sizes', async () => {
  const [, written] = /^\| `Client` \| [\d,]+ \| ([\d,]+) \|/m.exec(TABLE) ?? [];
  const [page] = await bundlePlainPage();
  const gzip = gzipSync(page!, { level: 9 }).length;
  const size = Number(written!.replaceAll(',', ''));
  assert.ok(Math.abs(size - gzip) < 0.02 * gzip, `it has ${gzip} bytes, and the table says ${size}`);
});

test('a report has what is loaded at first and later, and what npm brings', () => {
  const size = { what: 'x', minified: 12_345, gzip: 4_000, brotli: 3_500, later: 0, packages: 2, bytes: 1_234_567 };
  const report = sizesReport([{ ...size, later: 77 }], [size], '2026-01-01');
  assert.match(report, /^\| x \| 12,345 \| 4,000 \| 3,500 \| 77 \|\n\| x \| 12,345 \| 4,000 \| 3,500 \| {2}\|$/m);
  assert.match(report, /^\| zocalo-client \| 2 \| 1.23 MB \|\n\| x \| 2 \| 1.23 MB \|$/m);
});
