import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ClientOptions, connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';
import { Program } from '../support/cli.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

/** An example on a free port, and the address that it printed: `localhost:40312`. */
async function start(t: TestContext, name: string): Promise<{ program: Program; place: string }> {
  const program = new Program('env', ['PORT=0', process.execPath, EXAMPLES + name]);
  t.after(() => program.stop());
  const [, port] = await program.says(/(?:ws|http):\S+:(\d+)/);
  return { program, place: `localhost:${port}` };
}

async function open(t: TestContext, url: string, options?: ClientOptions) {
  const client = await connectWebSocket(url, options);
  t.after(() => client.terminate());
  return { client, next: () => nextOf(client) };
}

async function nextOf(client: WebSocketClient): Promise<string> {
  const { value } = await client[Symbol.asyncIterator]().next();
  return String(value);
}

test('every example is under 60 lines', () => {
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(ts|php|py)$/.test(name),
  );
  assert.ok(files.includes('php/publish.php') && files.includes('python/client.py'));
  for (const name of files) {
    const lines = readFileSync(EXAMPLES + name, 'utf8').split('\n').length;
    assert.ok(lines < 60, `${name} has ${lines}`);
  }
});

test('examples/login.ts accepts users with a session, by name and into one room, and answers others with 401', async (t) => {
  const { program, place } = await start(t, 'login.ts');
  await assert.rejects(connectWebSocket(`ws://${place}`), /refused with 401/);
  await assert.rejects(connectWebSocket(`ws://${place}`, { headers: { Cookie: 'session=nobody' } }), /401/);

  const ana = await open(t, `ws://${place}/?room=kitchen`, { headers: { Cookie: 'lang=es; session=3f1c' } });
  assert.equal(await ana.next(), 'Ana is here');
  const elsewhere = await open(t, `ws://${place}/`, { headers: { Cookie: 'session=3f1c' } });
  assert.equal(await elsewhere.next(), 'Ana is here');
  const luis = await open(t, `ws://${place}/?room=kitchen`, { headers: { Cookie: 'session=9b2e' } });
  assert.equal(await ana.next(), 'Luis is here');
  assert.equal(await luis.next(), 'Luis is here');
  luis.client.send('¿Ya comiste?');
  assert.equal(await ana.next(), 'Luis: ¿Ya comiste?');
  luis.client.close();
  assert.equal(await ana.next(), 'Luis has left');
  elsewhere.client.send('alone');
  elsewhere.client.close();
  assert.equal((await elsewhere.client.closed).code, 1000);
  assert.equal(await program.stop('SIGINT'), 0);
});

test('examples/notify.ts passes posts to a path on to the pages of that path alone', async (t) => {
  const { place } = await start(t, 'notify.ts');
  const post = async (path: string, body: string, token = 'change-me') => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`http://${place}${path}`, { method: 'POST', body, headers })).status;
  };
  const mine = await open(t, `ws://${place}/orders/42`);
  const other = await open(t, `ws://${place}/orders/43`);
  assert.equal(await post('/orders/43', 'not for 42'), 204);
  assert.equal(await post('/orders/42', 'Your tacos are ready'), 204);
  assert.equal(await mine.next(), 'Your tacos are ready');
  assert.equal(await other.next(), 'not for 42');
  assert.equal((await fetch(`http://${place}/orders/42`)).status, 405);
  assert.equal(await post('/orders/42', 'Free tacos', 'guessed'), 401);
  assert.equal(await post('/orders/42', 'x'.repeat(64 * 1024 + 1)), 413);
});

test('examples/attach.ts serves its page and its sockets on one port', async (t) => {
  const { program, place } = await start(t, 'attach.ts');
  const page = await fetch(`http://${place}/`);
  assert.match(page.headers.get('content-type') ?? '', /html/);
  assert.match(await page.text(), /new WebSocket/);
  await assert.rejects(connectWebSocket(`ws://${place}/elsewhere`), /refused with 404/);
  const clock = await open(t, `ws://${place}/time`);
  const first = Date.parse(await clock.next());
  const second = Date.parse(await clock.next());
  assert.ok(second >= first);
  assert.equal(await program.stop('SIGTERM'), 0);
});

test("examples/contract.ts stores the schema's output, and reports invalid data", async (t) => {
  const program = new Program('env', ['PORT=0', process.execPath, `${EXAMPLES}contract.ts`]);
  t.after(() => program.stop());
  await program.says(/stored: "hola"\nrenamed: true\nBAD_DATA: text: .*expected string/);
});
