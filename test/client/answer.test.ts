import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import '../../src/client/extras.ts';
import { answer, type Client, ProtocolError } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { TestNetwork } from '../../src/testing/index.ts';

/** A hub, and clients of ana. */
function setUp(t: TestContext) {
  const network = new TestNetwork(
    (parts) => new Hub({ ...parts, connect: ({ token }) => (token ? { user: token } : {}) }),
  );
  t.after(() => network.close());
  const errors: Error[] = [];
  const page = (user = 'ana') => {
    const client = network.client({ token: user });
    client.on('error', (error) => errors.push(error));
    client.open();
    return client;
  };
  /** Calls ana: what came of it, once that is known. */
  const call = (method: string, data?: unknown, options?: object) => {
    const outcome: { result?: unknown; code?: string; error?: unknown } = {};
    network.hub
      .user('ana')
      .call(method, data, options)
      .then(
        (result) => {
          outcome.result = result;
        },
        (error) => {
          outcome.code = error.code;
          outcome.error = error;
        },
      );
    return outcome;
  };
  return { network, page, call, errors };
}

/** Answers when the test says so. */
function answerLater(client: Client, method: string) {
  const asked: { data: unknown; signal: AbortSignal; resolve(result: unknown): void; reject(error: Error): void }[] =
    [];
  const off = answer(
    client,
    method,
    (data, { signal }) => new Promise((resolve, reject) => asked.push({ data, signal, resolve, reject })),
  );
  return { asked, off };
}

test("the server's call of a user gets the result of the client's handler, and an offer follows each reconnect", async (t) => {
  const { network, page, call } = setUp(t);
  const client = page();
  answer(client, 'double', async (data: number) => data * 2);
  const off = answer(client, 'nothing', () => {});
  await network.settle();
  const outcomes = [call('double', 21), call('nothing')];
  await network.settle();
  assert.deepEqual(outcomes, [{ result: 42 }, { result: null }]);
  network.cut(client);
  await network.advance(1_000);
  off();
  await network.settle();
  const again = [call('double', 4), call('nothing')];
  await network.settle();
  assert.deepEqual([again[0], again[1]!.code], [{ result: 8 }, 'NO_SUCH_METHOD']);
});

test('a call of a user who is not connected is UNAVAILABLE, and one that no client answers is NO_SUCH_METHOD and sends nothing', async (t) => {
  const { network, page, call } = setUp(t);
  page('luis');
  await network.settle();
  const nobody = call('confirm');
  await network.settle();
  assert.equal(nobody.code, 'UNAVAILABLE');
  const frames: string[] = [];
  const old = network.client({ token: 'ana', debug: (frame) => frames.push(frame) });
  old.open();
  await network.settle();
  frames.length = 0;
  const unknown = call('confirm');
  await network.settle();
  assert.deepEqual([unknown.code, frames], ['NO_SUCH_METHOD', []]);
});

test('of several pages the first result counts, and the others are told that theirs is not needed', async (t) => {
  const { network, page, call } = setUp(t);
  const pages = [page(), page(), page()].map((client) => answerLater(client, 'confirm'));
  const [one, two, three] = pages;
  await network.settle();
  const outcome = call('confirm', { text: 'sure?' });
  await network.settle();
  assert.deepEqual(pages.map(({ asked }) => asked[0]!.data), Array(3).fill({ text: 'sure?' })); // biome-ignore format: one line
  one!.asked[0]!.reject(new ProtocolError('BUSY', 'not now'));
  await network.settle();
  assert.deepEqual(outcome, {}, 'another may still answer');
  two!.asked[0]!.resolve(true);
  await network.settle();
  assert.deepEqual(outcome, { result: true });
  assert.deepEqual([two!.asked[0]!.signal.aborted, three!.asked[0]!.signal.aborted], [false, true]);
  three!.asked[0]!.resolve(false);
  await network.settle();
  assert.deepEqual(outcome, { result: true });
});

test('methods that are answered from the same moment on are offered in one line, and so is what is left of them', async (t) => {
  const { network } = setUp(t);
  const offers: string[] = [];
  const debug = (line: string) => line.startsWith('> ["offer"') && offers.push(line.replace(/\d+/, 'n'));
  const client = network.client({ token: 'ana', debug });
  client.open();
  await network.settle();
  const offs = ['one', 'two', 'three'].map((method) => answer(client, method, () => null));
  await network.settle();
  assert.deepEqual(offers.splice(0), ['> ["offer",n,["one","two","three"]]']);
  for (const off of offs.splice(1)) off();
  await network.settle();
  assert.deepEqual(offers, ['> ["offer",n,["one"]]']);
});

test('when all have refused, the caller gets the code, the message and the details of the last one', async (t) => {
  const { network, page, call, errors } = setUp(t);
  answer(page(), 'rename', () => {
    throw new ProtocolError('TAKEN', 'choose another', undefined, undefined, { free: ['ana2'] });
  });
  answer(page(), 'broken', () => {
    throw new Error('a bug in the page');
  });
  answer(page(), 'wrong', () => 1n);
  await network.settle();
  const outcomes = [call('rename'), call('broken'), call('wrong')];
  await network.settle();
  const [{ code, message, details }] = [outcomes[0]!.error as ProtocolError];
  assert.deepEqual([code, message, details], ['TAKEN', 'choose another', { free: ['ana2'] }]);
  assert.deepEqual([outcomes[1]!.code, outcomes[2]!.code], ['INTERNAL', 'INTERNAL']);
  assert.deepEqual([errors[0]!.message, errors.length], ['a bug in the page', 2]);
});

test('a call without an answer in time, or whose page goes, is TIMEOUT, and the page is told', async (t) => {
  const { network, page, call } = setUp(t);
  const client = page();
  const { asked } = answerLater(client, 'confirm');
  await network.settle();
  const late = call('confirm', 1, { timeout: 2_000 });
  await network.advance(1_999);
  assert.deepEqual(late, {});
  await network.advance(1);
  assert.deepEqual([late.code, asked[0]!.signal.aborted], ['TIMEOUT', true]);
  const lost = call('confirm', 2);
  await network.settle();
  network.cut(client);
  await network.settle();
  assert.deepEqual([lost.code, asked[1]!.signal.aborted], ['TIMEOUT', true]);
  // What it answers too late is for no other call.
  await network.advance(1_000);
  const next = call('confirm', 3);
  await network.settle();
  asked[0]!.resolve('late');
  asked[1]!.resolve('late');
  await network.settle();
  assert.deepEqual(next, {});
  asked[2]!.resolve('yes');
  await network.settle();
  assert.deepEqual(next, { result: 'yes' });
});

test('a call that is aborted rejects with the reason and takes the question from the page', async (t) => {
  const { network, page, call } = setUp(t);
  const { asked } = answerLater(page(), 'confirm');
  await network.settle();
  const controller = new AbortController();
  const outcome = call('confirm', 1, { signal: controller.signal });
  await network.settle();
  controller.abort(new Error('changed my mind'));
  await network.settle();
  assert.equal((outcome.error as Error).message, 'changed my mind');
  assert.equal(asked[0]!.signal.aborted, true);
});

test('misspelt options of a call, a timeout that is none, and a method that is answered twice are refused', async (t) => {
  const { network, page } = setUp(t);
  const ana = network.hub.user('ana');
  await assert.rejects(ana.call('confirm', 1, { timeuot: 5 } as object), { code: 'BAD_OPTION', message: /did you mean timeout/ }); // biome-ignore format: one line
  for (const timeout of [0, -1, Number.NaN, 3_600_001])
    await assert.rejects(ana.call('confirm', 1, { timeout }), { code: 'BAD_OPTION' });
  await assert.rejects(ana.call(''), { code: 'BAD_OPTION' });
  const client = page();
  const off = answer(client, 'confirm', () => true);
  assert.throws(() => answer(client, 'confirm', () => true), { code: 'BAD_OPTION' });
  off();
  answer(client, 'confirm', () => true)();
});
