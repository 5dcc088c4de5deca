import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { configSchema } from '../../src/server/config/index.ts';
import { readAnswer } from '../../src/server/handlers/answer.ts';
import type { Carrier } from '../../src/server/handlers/carriers/index.ts';
import { eventText, type HandlerEvent, NO_HEADERS } from '../../src/server/handlers/event.ts';
import { Handler } from '../../src/server/handlers/handler.ts';
import { ThrottledLog } from '../../src/server/operations/index.ts';
import { until } from '../support/until.ts';
import { KINDS, openCarrier } from './carriers.ts';
import type { Wish } from './handler-application.ts';

let events = 0;

function call(wish: Wish | string, connection = 'one'): HandlerEvent {
  const id = `test-${++events}`;
  const data = typeof wish === 'string' ? wish : JSON.stringify(wish);
  return { name: 'call', id, connection, headers: NO_HEADERS, text: eventText('call', id, { data }) };
}

/** The carrier as a handler uses it. */
function handlerOf(carrier: Carrier, log: ConstructorParameters<typeof ThrottledLog>[0]): Handler {
  const { handlers } = configSchema.parse({ handlers: { shop: { events: ['call'] } } });
  const parts = { clock: systemClock, log: new ThrottledLog(log, systemClock), onOutcome: () => {} };
  return new Handler('shop', handlers.shop!, carrier, parts);
}

const told = async (carrier: Carrier, connection = 'one') =>
  (JSON.parse(await carrier.ask(call({ tell: true }, connection))) as { result: string[] }).result;

for (const kind of KINDS) {
  const it = (name: string, run: (t: TestContext) => Promise<void>) => test(`${kind.name}: ${name}`, run);

  it('an event and its answer arrive as the text that they are', async (t) => {
    const { carrier } = openCarrier(t, await kind.start(t));
    const text = '[1e400,12345678901234567890,"\\u00e9é\\u2028\u2028",{"a":1,"a":2}]';
    const event = call(text);
    assert.equal(await carrier.ask(event), `{"result":${event.text}}`);
    const say = '{"result": 1163456789012345678}';
    assert.equal(await carrier.ask(call({ say })), say);
  });

  it('a large event and a large answer arrive whole', async (t) => {
    const { carrier } = openCarrier(t, await kind.start(t));
    const event = call(JSON.stringify({ padding: 'é'.repeat(300_000) }));
    assert.equal(await carrier.ask(event), `{"result":${event.text}}`);
  });

  it('the events of one connection arrive in their order, each after the answer to the one before', async (t) => {
    const { carrier } = openCarrier(t, await kind.start(t));
    const numbers = Array.from({ length: 12 }, (_, number) => number);
    await Promise.all(numbers.map((number) => carrier.ask(call({ number, take: (number * 7) % 5 }))));
    assert.deepEqual(
      await told(carrier),
      numbers.flatMap((number) => [`begin ${number}`, `end ${number}`]),
    );
  });

  it('another connection need not wait for a slow one', async (t) => {
    const { carrier } = openCarrier(t, { ...(await kind.start(t)), timeout: '30s' });
    void carrier.ask(call({ hang: true }, 'one')).catch(() => {});
    // With two workers one of these has the other's.
    const others = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
    await Promise.any(others.map((connection) => carrier.ask(call({}, connection))));
  });

  it('an event without an answer fails after the time limit, and those behind it are answered', async (t) => {
    const { carrier } = openCarrier(t, { ...(await kind.start(t)), timeout: '2500ms' });
    await carrier.ask(call({}));
    const late = carrier.ask(call({ hang: true }));
    const behind = Promise.all([1, 2, 3].map((number) => carrier.ask(call({ number }))));
    await assert.rejects(late, { code: 'HANDLER_TIMEOUT', message: /no answer came within 2500 ms/ });
    await behind;
    assert.deepEqual(
      (await told(carrier)).slice(-6),
      [1, 2, 3].flatMap((number) => [`begin ${number}`, `end ${number}`]),
    );
  });

  it('no more events wait than may', async (t) => {
    const { carrier } = openCarrier(t, { ...(await kind.start(t)), waiting: 3, timeout: '5s' });
    await carrier.ask(call({}));
    const all = Array.from({ length: 60 }, (_, number) => carrier.ask(call({ number, take: 2 })));
    const results = await Promise.allSettled(all);
    const refused = results.filter((result) => result.status === 'rejected');
    assert.ok(refused.length >= 20, `${refused.length} were refused`);
    for (const { reason } of refused) assert.equal(reason.code, 'HANDLER_BUSY');
    assert.equal(results[0]!.status, 'fulfilled');
    await carrier.ask(call({}));
  });

  it('nothing is allowed when the application is not there, and the log says so', async (t) => {
    const { carrier, log } = openCarrier(t, await kind.down(t));
    const handler = handlerOf(carrier, log);
    await assert.rejects(
      handler.ask(call({}), (text) => readAnswer('call', text)),
      { code: 'UNAVAILABLE', retryAfter: 3_000 },
    );
    const line = log.lines.find(({ fields }) => fields.code === 'HANDLER_UNREACHABLE');
    assert.deepEqual([line?.fields.handler, line?.fields.event], ['shop', 'call']);
  });

  const bad: Record<string, string> = {
    'an empty object': '{}',
    'a list': '[]',
    'a text': '"yes"',
    true: 'true',
    'half of an object': '{"result":1',
    'a PHP warning in front': '\nWarning: Undefined variable $x in /var/www/a.php on line 3\n{"result":1}'.replaceAll(
      '\n',
      ' ',
    ),
    'two objects': '{"result":1}{"result":2}',
    'what is nested too deep': `{"result":${'['.repeat(70)}${']'.repeat(70)}}`,
    'a code that is no refusal': '{"deny":"no","code":"SHUTTING_DOWN"}',
  };
  it('an answer that is none allows nothing, and the log says of it what is wrong, not what it is', async (t) => {
    const { carrier, log } = openCarrier(t, await kind.start(t));
    const handler = handlerOf(carrier, log);
    for (const [name, say] of Object.entries(bad)) {
      const before = log.lines.length;
      await assert.rejects(
        handler.ask(call({ say }), (text) => readAnswer('call', text)),
        { code: 'UNAVAILABLE' },
        name,
      );
      const { fields } = log.lines.slice(before).find(({ fields }) => fields.code !== undefined)!;
      assert.deepEqual([fields.code, fields.handler, fields.event], ['HANDLER_BAD_ANSWER', 'shop', 'call'], name);
      assert.doesNotMatch(String(fields.reason), /Undefined variable|yes/);
    }
    await handler.ask(call({ say: '{"result":1}' }), (text) => readAnswer('call', text));
  });

  it('an answer that is too large fails alone', async (t) => {
    const { carrier } = openCarrier(t, await kind.start(t));
    await carrier.ask(call({}));
    const [large, next] = [carrier.ask(call({ say: `{"result":"${'x'.repeat(1_100_000)}"}` })), carrier.ask(call({}))];
    await assert.rejects(large, { code: 'HANDLER_BAD_ANSWER', message: /more than|longer than/ });
    await next;
  });

  it('what was asked is answered when it is closed, as long as there is time', async (t) => {
    const { carrier } = openCarrier(t, await kind.start(t));
    await carrier.ask(call({}));
    const asked = [carrier.ask(call({ take: 50 })), carrier.ask(call({}))];
    await carrier.close(10_000);
    await Promise.all(asked);
    await assert.rejects(carrier.ask(call({})), { code: 'HANDLER_UNREACHABLE' });
  });

  it('what has no answer when the time is over fails, and nothing is left behind', async (t) => {
    const { carrier } = openCarrier(t, { ...(await kind.start(t)), timeout: '30s' });
    await carrier.ask(call({}));
    const asked = Promise.allSettled([carrier.ask(call({ hang: true })), carrier.ask(call({}))]);
    await carrier.close(50);
    let isOver = false;
    void asked.then(() => (isOver = true));
    await until(() => isOver, 'both have failed');
    for (const result of await asked)
      assert.equal(result.status === 'rejected' && result.reason.code, 'HANDLER_UNREACHABLE');
  });
}
