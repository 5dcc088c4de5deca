import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { headerSize, writeFrame } from '../../../src/websocket/core/frame-writer.ts';
import { FIN, OPCODE } from '../../../src/websocket/core/opcodes.ts';

test('each masked frame has its own unpredictable key, however many there are', () => {
  const frames = 10_000;
  const target = Buffer.alloc(headerSize(0, true));
  const keys = new Set<number>();
  for (let i = 0; i < frames; i++) {
    writeFrame(target, 0, FIN | OPCODE.PING, '', 0, true);
    keys.add(target.readInt32BE(2));
  }
  // Two of so many keys of 32 bits are the same once in a hundred runs; three pairs never are.
  assert.ok(keys.size >= frames - 2, `${frames - keys.size} keys came again`);
});
