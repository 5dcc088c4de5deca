import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkRows } from '../../../src/server/admin/index.ts';

test('what does not work stands first, with its code and sentence; what is not known is left out', () => {
  const rows = linkRows({
    sources: [
      { name: 'doors', place: 'tcp://0.0.0.0:5010', ok: true, error: undefined, message: undefined, waiting: 0 },
      { name: 'scale', place: 'tcp://192.0.2.40:4305', ok: false, error: 'CONNECTION_REFUSED', message: 'it is off' },
    ],
    sinks: [{ name: 'accesses', ok: true, waiting: 7, lag: 1.5, aside: 2 }],
    handlers: [{ name: 'shop', ok: false, error: 'HANDLER_TIMEOUT' }],
    store: 'the disk is full',
  });
  assert.deepEqual(rows, [
    { kind: 'store', name: '', ok: false, error: 'the disk is full' },
    {
      kind: 'source',
      name: 'scale',
      ok: false,
      place: 'tcp://192.0.2.40:4305',
      error: 'CONNECTION_REFUSED: it is off',
    },
    { kind: 'handler', name: 'shop', ok: false, error: 'HANDLER_TIMEOUT' },
    { kind: 'source', name: 'doors', ok: true, place: 'tcp://0.0.0.0:5010', waiting: 0 },
    { kind: 'sink', name: 'accesses', ok: true, waiting: 7, lag: 1.5, aside: 2 },
  ]);
});

test('as many rows are sent as somebody may read', () => {
  const sources = Array.from({ length: 500 }, (_, n) => ({ name: `s${n}`, ok: n !== 499 }));
  const rows = linkRows({ sources, sinks: [], handlers: [], store: undefined });
  assert.deepEqual([rows.length, rows[0]!.name], [100, 's499']);
});
