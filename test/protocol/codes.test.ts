import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlainSocket, ReconnectingSocket } from '../../src/client/reconnecting-socket.ts';
import { CODES, type Code, closeCode } from '../../src/protocol/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** Whether a client that knows nothing but the close code comes back. */
function comesBack(code: number): boolean {
  let close = (_: { code: number }): void => {};
  const socket: PlainSocket = {
    addEventListener: (type: string, listener: unknown) => {
      if (type === 'close') close = listener as typeof close;
    },
    send() {},
    close() {},
  };
  const clock = new FakeClock();
  const line = new ReconnectingSocket({ connect: () => socket, onState() {}, onMessage() {}, timers: clock });
  line.open();
  close({ code });
  return line.state === 'waiting';
}

test('no connection ends with a permanent close code for a temporary reason', () => {
  for (const [code, { retry }] of Object.entries(CODES)) {
    const close = closeCode(code as Code);
    if (retry) assert.ok(comesBack(close), `${code} closes with ${close}, after which the client does not come back`);
  }
});

test('permanent refusals close with 1008, except an intended end and a failure of the server', () => {
  const final = (Object.keys(CODES) as Code[]).filter((code) => !CODES[code].retry && closeCode(code) !== 1008);
  assert.deepEqual(final, ['INTERNAL', 'CLOSED']);
  assert.deepEqual(final.map(closeCode), [1011, 1000]);
  assert.equal(closeCode('SHUTTING_DOWN'), 1012);
  assert.equal(closeCode('UNAVAILABLE'), 1013);
});
