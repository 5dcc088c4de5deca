import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { missing } from '../../support/need.ts';
import { PROXY, startNginx } from '../../support/nginx.ts';
import { startEach } from './each-server.ts';
import { PhpRoom, phpProgram } from './php-program.ts';

/** What the program behind nginx, which speaks TLS, says first to a client that claims to be somebody else. */
async function firstWords(t: TestContext, port: string): Promise<unknown> {
  const { cert, port: outside } = await startNginx(
    t,
    (nginx) => `
       server {
         listen 127.0.0.1:${nginx.port} ssl;
         ssl_certificate ${nginx.folder}/cert.pem; ssl_certificate_key ${nginx.folder}/key.pem;
         location / {
           proxy_bind ${PROXY};
           proxy_pass http://127.0.0.1:${port};
           proxy_http_version 1.1;
           proxy_set_header Host $http_host;
           proxy_set_header Upgrade $http_upgrade;
           proxy_set_header Connection "upgrade";
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
           proxy_set_header X-Forwarded-Proto $scheme;
         }
       }`,
  );
  const headers = { 'X-Forwarded-For': '203.0.113.7' };
  const client = await connectWebSocket(`wss://127.0.0.1:${outside}`, { tls: { ca: cert }, headers });
  t.after(() => client.terminate());
  return (await client[Symbol.asyncIterator]().next()).value;
}

for (const [proxies, address] of [
  [[PROXY], '127.0.0.1'],
  [['127.0.0.8/31'], '127.0.0.1'],
  [['10.0.0.1'], PROXY],
] as const)
  test(`behind nginx, with the proxies ${proxies}, the address of a user in PHP is ${address}`, {
    skip: missing('php', 'nginx', 'openssl'),
  }, async (t) => {
    const methods = 'protected function connected($user) { $this->send($user, $user->address); }';
    const room = await PhpRoom.open(t, phpProgram(t, methods), { proxies });
    assert.equal(await firstWords(t, new URL(room.url).port), address);
  });

const TELL = ['bash', '-c', 'echo "$REMOTE_ADDR $HTTPS"; read -r end'];

for (const [proxies, words] of [
  [[PROXY], '127.0.0.1 on'],
  [[], `${PROXY} `],
] as const)
  test(`behind nginx, with the proxies [${proxies}], a program per connection has “${words}” in its environment`, {
    skip: missing('bash', 'nginx', 'openssl'),
  }, async (t) => {
    const { url } = await startEach(t, TELL, { proxies });
    assert.equal(await firstWords(t, new URL(url).port), words);
  });

test('what a client itself says of its address and protocol is not believed', { skip: missing('bash') }, async (t) => {
  const { join } = await startEach(t, TELL, { proxies: [PROXY] });
  const client = await join('/', { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' });
  assert.equal((await client[Symbol.asyncIterator]().next()).value, '127.0.0.1 ');
});
