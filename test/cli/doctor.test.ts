import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROXY_LINES } from '../../src/cli/doctor/proxy-lines.ts';
import { ClientAddress } from '../../src/server/http/index.ts';
import { serveApi } from '../server/api/api-peer.ts';
import { directoryWith } from '../server/config/support.ts';
import { makeCertificate } from '../support/certificate.ts';
import { zocaloIn } from '../support/cli.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { missing } from '../support/need.ts';
import { PROXY, startNginx } from '../support/nginx.ts';

const skip = missing('nginx', 'openssl');

/** What the doctor says in a directory with this configuration. */
async function examine(t: TestContext, config: object, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const cwd = directoryWith(t, { 'zocalo.config.json': JSON.stringify({ store: 'memory', ...config }) });
  chmodSync(join(cwd, 'zocalo.config.json'), 0o600);
  const program = zocaloIn(cwd, ['doctor', ...args], env);
  const exit = await program.exited;
  assert.equal(program.stderr, '');
  return { exit, text: program.stdout };
}

/**
 * A daemon that believes `proxies`, and what the doctor says of it through a real nginx with these lines. nginx comes
 * from `proxy`: on one machine that may be the address that its clients come from, too.
 */
async function examineThrough(
  t: TestContext,
  change: (lines: string) => string,
  { args = [], proxy = PROXY, proxies = [proxy] }: { args?: string[]; proxy?: string; proxies?: string[] } = {},
) {
  const addresses = new ClientAddress(proxies);
  const { url } = await serveApi(t, { api: { clientAddress: addresses } });
  const { port, folder } = await startNginx(t, ({ port, folder }) =>
    change(
      PROXY_LINES.nginx({ name: 'localhost', backend: new URL(url).host })
        .replace('listen 443', `listen 127.0.0.1:${port}`)
        .replaceAll(
          /\/etc\/ssl\/localhost\.(pem|key)/g,
          (_, ending) => `${folder}/${ending === 'pem' ? 'cert' : 'key'}.pem`,
        )
        .replace('location / {', `location / {\n proxy_bind ${proxy};`),
    ),
  );
  const config = { listen: url, proxies };
  const outside = `https://127.0.0.1:${port}`;
  return examine(t, config, ['--url', outside, '--ca', join(folder, 'cert.pem'), ...args]);
}

test("behind an nginx with the doctor's lines, all is well, and the exit code is 0", { skip }, async (t) => {
  const { exit, text } = await examineThrough(t, (lines) => lines);
  assert.equal(exit, 0, text);
  assert.match(text, /^ok {7}port: .*: a zocalo answers there$/m);
  assert.match(text, /^ok {7}proxy: .* leads to the daemon through nginx/m);
  assert.match(text, /^ok {7}clock: /m);
  assert.match(text, /^ok {7}proxy: passes on the client's address, 127\.0\.0\.1$/m);
  assert.match(text, /^ok {7}proxy: WebSockets get through$/m);
  assert.match(text, /^ok {7}proxy: a silent connection survives 1 s; --wait 75s/m);
  assert.doesNotMatch(text, /^problem|For nginx:/m);
});

test('behind an nginx on the same machine, whose address is also its client’s, all is well, and the exit code is 0', {
  skip,
}, async (t) => {
  const { exit, text } = await examineThrough(t, (lines) => lines, { proxy: '127.0.0.1' });
  assert.equal(exit, 0, text);
  assert.match(text, /^ok {7}proxy: passes on the client's address, 127\.0\.0\.1$/m);
  assert.doesNotMatch(text, /^problem|For nginx:/m);
});

test("behind an HAProxy with the doctor's lines, all is well, and the exit code is 0", {
  skip: missing('haproxy', 'openssl'),
}, async (t) => {
  const { url } = await serveApi(t, { api: { clientAddress: new ClientAddress([PROXY]) } });
  const { port, folder } = await startHaproxy(t, ({ port, folder }) =>
    PROXY_LINES.HAProxy({ name: 'localhost', backend: `${new URL(url).host} source ${PROXY}` })
      .replace('bind :443', `bind 127.0.0.1:${port}`)
      .replace('/etc/haproxy/localhost.pem', join(folder, 'both.pem')),
  );
  const args = ['--url', `https://127.0.0.1:${port}`, '--ca', join(folder, 'cert.pem')];
  const { exit, text } = await examine(t, { listen: url, proxies: [PROXY] }, args);
  assert.equal(exit, 0, text);
  assert.match(text, /^ok {7}proxy: passes on the client's address, 127\.0\.0\.1$/m);
  assert.match(text, /^ok {7}proxy: WebSockets get through$/m);
  assert.doesNotMatch(text, /^problem|For nginx:/m);
});

test('a proxy that is missing from the key proxies is one problem, with the line to write', { skip }, async (t) => {
  const { exit, text } = await examineThrough(t, (lines) => lines, { proxy: '127.0.0.1', proxies: [] });
  assert.equal(exit, 1, text);
  assert.deepEqual(text.match(/^problem.*\n.*/gm), [
    'problem  proxy: what the proxy passes on is ignored: its address, 127.0.0.1, is not in the key proxies\n' +
      '         add it, proxies: [127.0.0.1], and restart the daemon',
  ]);
});

test('the guide has the lines for nginx that the doctor gives', () => {
  const guide = readFileSync(fileURLToPath(new URL('../../docs/guide.md', import.meta.url)), 'utf8');
  const [, shown] = /```nginx\n(.*?)\n```/s.exec(guide)!;
  assert.equal(shown, PROXY_LINES.nginx({ name: 'chat.example.org', backend: '127.0.0.1:9000' }));
});

test('a proxy without the upgrade is a problem, with the lines to paste, and the exit code is 1', {
  skip,
}, async (t) => {
  const { exit, text } = await examineThrough(t, (lines) =>
    lines.replace(/^.*proxy_set_header (Upgrade|Connection).*$/gm, ''),
  );
  assert.equal(exit, 1, text);
  assert.match(text, /^problem {2}proxy: WebSockets do not get through: wss:.* refused with \d{3}/m);
  assert.match(text, /^For nginx:\n\nmap \$http_upgrade/m);
  assert.doesNotMatch(text, /For Apache|For Caddy/); // it said what it is
});

test('a proxy that cuts silent connections is a problem if the doctor waits long enough', { skip }, async (t) => {
  const cut = (lines: string) => lines.replace('proxy_read_timeout 75s', 'proxy_read_timeout 2s');
  const { exit, text } = await examineThrough(t, cut, { args: ['--wait', '30s'] });
  assert.equal(exit, 1, text);
  assert.match(text, /^problem {2}proxy: a silent connection is closed after \d s\n {9}let the proxy wait/m);
  assert.match(text, /^ok {7}proxy: WebSockets get through$/m);
});

test('a proxy that does not pass on the address is a problem', { skip }, async (t) => {
  const { exit, text } = await examineThrough(t, (lines) => lines.replace(/^.*X-Forwarded-For.*$/m, ''));
  assert.equal(exit, 1, text);
  assert.match(text, /^problem {2}proxy: the client's address is not passed on: .* 127\.0\.0\.9$/m);
});

test('a proxy that the daemon does not trust is a problem that names the key', async (t) => {
  const { url } = await serveApi(t, {
    api: { clientAddress: { of: () => '10.0.0.9', forwarding: () => 'none', protocol: () => undefined } },
  });
  const { exit, text } = await examine(t, { listen: url }, ['--url', url]);
  assert.equal(exit, 1, text);
  assert.match(
    text,
    /sees every client as 10\.0\.0\.9\n {9}let the daemon trust the proxy, with proxies: \[10\.0\.0\.9\]/,
  );
  assert.match(text, /For nginx:[\s\S]*For Apache:[\s\S]*For Caddy:[\s\S]*For HAProxy:/);
});

test('a proxy that does not pass on Host and scheme is a problem', { skip }, async (t) => {
  const { exit, text } = await examineThrough(t, (lines) => lines.replace(/^.*(Host|X-Forwarded-Proto).*$/gm, ''));
  assert.equal(exit, 1, text);
  assert.match(text, /^problem {2}proxy: the header Host is not passed on/m);
  assert.match(
    text,
    /^problem {2}proxy: X-Forwarded-Proto is not passed on: the daemon sees http:\/\/ instead of https:/m,
  );
});

/** A proxy before the daemon at `url` that calls it `back`, and its address. */
async function renamingProxy(t: TestContext, url: string): Promise<string> {
  const proxy = createTcpServer((client) => {
    const daemon = connect(Number(new URL(url).port), '127.0.0.1');
    client.on('data', (chunk) =>
      daemon.write(chunk.toString('latin1').replace(/^Host: .*$/im, 'Host: back'), 'latin1'),
    );
    daemon.pipe(client);
    for (const [socket, other] of [
      [client, daemon],
      [daemon, client],
    ] as const)
      socket.on('error', () => {}).on('close', () => other.destroy());
  }).listen(0, '127.0.0.1');
  t.after(() => proxy.close());
  await once(proxy, 'listening');
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test('a page that may not connect is a problem that names its origin', async (t) => {
  // A page of the daemon's own host always may: here a proxy calls it by another name.
  const { url } = await serveApi(t, { serve: { origins: ['https://else.example'] } });
  const { exit, text } = await examine(t, { listen: url }, ['--url', await renamingProxy(t, url)]);
  assert.equal(exit, 1, text);
  assert.match(text, /^problem {2}proxy: .* with 403 .*\n {9}add http:/m);
});

test('a host name that the daemon does not accept is a problem that names the key to add it to', async (t) => {
  const { url } = await serveApi(t, { serve: { hosts: ['live.example.org'] } });
  const outside = await renamingProxy(t, url);
  const { exit, text } = await examine(t, { listen: url }, ['--url', outside]);
  assert.equal(exit, 1, text);
  assert.match(text, /^problem {2}proxy: http:.* answers with 421: This server is not back\n {9}add 127/m);
  const program = zocaloIn(directoryWith(t), ['publish', 'news', '1', '--url', outside]);
  assert.equal(await program.exited, 10);
  assert.match(program.stderr, /answers with 421: This server is not back; its option hosts does not name it/);
});

test('an address that leads to another program, or to nothing, is a problem', async (t) => {
  const other = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  t.after(() => other.close());
  await new Promise((resolve) => other.on('listening', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const { exit, text } = await examine(t, { listen: url }, ['--url', url]);
  assert.equal(exit, 1);
  assert.match(text, /^problem {2}port: http:.* is taken by another program\n {9}stop/m);
  assert.match(text, /^problem {2}proxy: http:.* answers with 200, and does not lead to zocalo serve$/m);
  const nobody = await examine(t, { listen: 'http://127.0.0.1:0' }, ['--url', 'http://127.0.0.1:1']);
  assert.equal(nobody.exit, 1);
  assert.match(nobody.text, /^problem {2}proxy: http:\/\/127\.0\.0\.1:1 refused the connection/m);
});

test('with no mistakes and no running daemon, everything is ok', async (t) => {
  const { exit, text } = await examine(t, {
    listen: 'http://127.0.0.1:0',
    store: 'sqlite:log.db',
    limits: { connections: 10 },
  });
  assert.equal(exit, 0);
  assert.match(text, /^(ok {7}\S.*\n)+$/);
  assert.match(text, /ok {7}store: log\.db will be created\n/);
});

test('a weakness is a warning, and the exit code is 0', async (t) => {
  const config = { listen: 'http://127.0.0.1:0', admin: true, proxies: ['10.0.0.1'], limits: { connections: 1e9 } };
  const { exit, text } = await examine(t, config);
  assert.equal(exit, 0);
  for (const about of ['configuration: zocalo.config.json:1: admin', 'open files', 'store: memory', 'proxy: was not'])
    assert.ok(text.includes(`warning  ${about}`), about);
});

test('a store that cannot be written is a problem', async (t) => {
  const { exit, text } = await examine(t, { listen: 'http://127.0.0.1:0', store: 'sqlite:no/where/log.db' });
  assert.equal(exit, 1);
  assert.match(text, /^problem {2}store: no\/where\/log\.db cannot be written \(ENOENT\)$/m);
});

test('a configuration with mistakes is reported as by every command, with the exit code 2', async (t) => {
  const program = zocaloIn(directoryWith(t, { 'zocalo.config.yaml': 'pin: 5' }), ['doctor']);
  assert.equal(await program.exited, 2);
  assert.match(program.stderr, /^BAD_CONFIG: zocalo\.config\.yaml:1: pin is not a key/);
});

test('a certificate is checked: key, names, dates, chain', { skip: missing('openssl') }, async (t) => {
  const { lookAtCertificates } = await import('../../src/cli/doctor/certificates.ts');
  const [one, two] = [makeCertificate('DNS:chat.example.org'), makeCertificate()];
  const folder = directoryWith(t, {
    'cert.pem': one.cert,
    'key.pem': one.key,
    'other.pem': two.key,
    'none.pem': 'none',
  });
  const look = (files: object, now?: number) => {
    const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), names: [], ...files };
    const found = lookAtCertificates({ tls: [tls] }, now);
    return found.map(({ level, sentence }) => `${level} ${sentence.replaceAll(`${folder}/`, '')}`);
  };
  const DAY = 86_400_000;
  assert.match(
    look({ key: join(folder, 'other.pem') }).join('\n'),
    /^problem other\.pem is not the key of cert\.pem$/m,
  );
  assert.match(look({ key: join(folder, 'none.pem') }).join('\n'), /^problem none\.pem is not a private key/m);
  assert.match(look({ cert: join(folder, 'none.pem') }).join('\n'), /^problem none\.pem has no certificate in it$/m);
  assert.match(
    look({ names: ['chat.example.org', 'example.org'] }).join('\n'),
    /^problem cert\.pem is not for example\.org$/m,
  );
  assert.match(look({}, Date.now() + 2 * DAY).join('\n'), /^problem cert\.pem has expired/m);
  assert.match(look({}, Date.now() - 2 * DAY).join('\n'), /^problem cert\.pem is not valid before/m);
  assert.deepEqual(
    look({}).map((line) => line.replace(/ on .*/, '')),
    ['warning cert.pem expires', 'warning cert.pem is self-signed: browsers refuse it'],
  );
});

test('a problem is shown with all of its advice, even if that has several parts', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.db': 'no database, but long enough to be looked at as one\n'.repeat(100) });
  const { exit, text } = await examine(t, { listen: 'http://127.0.0.1:0', store: `sqlite:${join(cwd, 'zocalo.db')}` });
  assert.equal(exit, 1, text);
  assert.match(
    text,
    /^problem {2}store: .*zocalo\.db: file is not a database\n {9}see the cause; what was .* is safe$/m,
  );
});
