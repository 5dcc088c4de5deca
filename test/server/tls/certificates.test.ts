import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { memory } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { SUBPROTOCOL } from '../../../src/protocol/index.ts';
import { Certificates } from '../../../src/server/tls/index.ts';
import { serve } from '../../../src/server/transports/websocket/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { type Certificate, makeCertificate } from '../../support/certificate.ts';
import { Program } from '../../support/cli.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { HubPeer } from '../hub-peer.ts';

const skip = missing('openssl');
const DAY = 86_400_000;

/** A folder with certificates, and a log. */
function workshop(t: TestContext) {
  const folder = temporaryFolder(t);
  const said: string[] = [];
  const note = (level: string) => (fields: object, sentence: string) =>
    said.push(`${level} ${sentence}${'err' in fields ? `: ${(fields.err as Error).message}` : ''}`);
  const log = { info: note('info'), warn: note('warn'), error: note('error') };
  const put = (name: string, { cert, key }: Certificate, names: string[] = []) => {
    const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`), names };
    // As renewers do: a new file takes the place of the old one.
    for (const [path, text] of [
      [files.cert, cert],
      [files.key, key],
    ] as const) {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    }
    return files;
  };
  return { folder, said, log, put };
}

async function served(t: TestContext, certificates: Certificates): Promise<{ url: string; hub: Hub; port: number }> {
  const hub = new Hub({ broker: memory() });
  const server = await serve(hub, 'wss://127.0.0.1:0', { tls: certificates.tls });
  certificates.onRenewed = (tls) => server.renewCertificate(tls);
  t.after(async () => {
    certificates.close();
    await server.close({ grace: 0 });
    await hub.close();
  });
  const url = server.addresses[0]!;
  return { url, hub, port: Number(new URL(url).port) };
}

/** The certificate that is shown to a client that asks for `servername`. */
function shown(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername && { servername }) },
      () => {
        resolve(new X509Certificate(socket.getPeerCertificate().raw).fingerprint256);
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

function markOf({ cert }: Pick<Certificate, 'cert'>): string {
  return new X509Certificate(cert).fingerprint256;
}

test("each host name gets its certificate: by the certificate's names, by configured names, or else the first", {
  skip,
}, async (t) => {
  const { log, put } = workshop(t);
  const first = makeCertificate('DNS:one.example.org');
  const second = makeCertificate('DNS:*.two.example.org');
  const third = makeCertificate('DNS:x');
  const files = [put('1', first), put('2', second), put('3', third, ['*.three.example.org'])];
  const certificates = new Certificates(files, { log, clock: new FakeClock() });
  await certificates.open();
  const { port } = await served(t, certificates);
  assert.equal(await shown(port), markOf(first));
  assert.equal(await shown(port, 'one.example.org'), markOf(first));
  assert.equal(await shown(port, 'a.two.example.org'), markOf(second));
  assert.equal(await shown(port, 'a.b.two.example.org'), markOf(first));
  assert.equal(await shown(port, 'A.THREE.example.org'), markOf(third));
  assert.equal(await shown(port, 'a.b.three.example.org'), markOf(first));
  assert.equal(await shown(port, 'three.example.org'), markOf(first));
});

test('openssl gets the certificate of the requested name, by TLS 1.2 and 1.3 and by nothing older', {
  skip,
}, async (t) => {
  const { log, put } = workshop(t);
  const second = makeCertificate('DNS:two.example.org');
  const files = [put('1', makeCertificate()), put('2', second)];
  const certificates = new Certificates(files, { log, clock: new FakeClock() });
  await certificates.open();
  const { port } = await served(t, certificates);
  const ask = async (...flags: string[]) => {
    const program = new Program('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...flags]);
    program.child.stdin.end();
    await program.exited;
    return program.stdout;
  };
  for (const version of ['-tls1_2', '-tls1_3']) {
    const pem = /-----BEGIN.*?END CERTIFICATE-----/s.exec(await ask('-servername', 'two.example.org', version));
    assert.equal(pem && markOf({ cert: pem[0] }), markOf(second), version);
  }
  assert.match(await ask('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), /no peer certificate available/);
});

test('a reload under load drops no connection: old connections continue, new ones get the new certificate', {
  skip,
}, async (t) => {
  const { log, put, said } = workshop(t);
  const after = [makeCertificate('DNS:one.example.org'), makeCertificate('DNS:two.example.org')] as const;
  const files = [put('1', makeCertificate('DNS:one.example.org')), put('2', makeCertificate('DNS:two.example.org'))];
  const certificates = new Certificates(files, { log, clock: new FakeClock() });
  await certificates.open();
  const { url, hub, port } = await served(t, certificates);
  const join = async () => {
    const client = await connectWebSocket(url, { protocols: [SUBPROTOCOL], tls: { rejectUnauthorized: false } });
    t.after(() => client.terminate());
    const peer = new HubPeer(client);
    await peer.ask('hi', {});
    await peer.ask('sub', 'news');
    return peer;
  };
  const peers = await Promise.all(Array.from({ length: 20 }, join));
  let published = 0;
  let isOver = false;
  const load = (async () => {
    while (!isOver || published < 200) {
      await hub.publish('news', ++published);
      await turn();
    }
  })();
  put('1', after[0]);
  put('2', after[1]);
  await certificates.reload();
  assert.equal(await shown(port), markOf(after[0]));
  assert.equal(await shown(port, 'one.example.org'), markOf(after[0]));
  assert.equal(await shown(port, 'two.example.org'), markOf(after[1]));
  isOver = true;
  await load;
  const all = Array.from({ length: published }, (_, n) => [n + 1, n + 1]);
  for (const peer of peers) assert.deepEqual(await peer.publications(published), all);
  assert.equal(said.filter((line) => line.includes('renewed')).length, 2);
});

test('a changed file is noticed, and loaded once it stops changing', { skip }, async (t) => {
  const { log, put } = workshop(t);
  const clock = new FakeClock();
  const certificates = new Certificates([put('1', makeCertificate())], { log, clock });
  await certificates.open();
  t.after(() => certificates.close());
  const renewed = new Promise<string>((resolve) => {
    certificates.onRenewed = ({ cert }) => resolve(String(cert));
  });
  const next = makeCertificate();
  put('1', next);
  // The watcher's timer joins those of the slow look and of the daily one.
  await until(() => clock.pending >= 3, 'three timers wait');
  clock.advance(1_000);
  assert.equal(await renewed, next.cert);
});

test('a certificate that does not match its key, or cannot be read, is an error at the start that names both files', {
  skip,
}, async (t) => {
  const { log, put, folder } = workshop(t);
  const mixed = put('1', { cert: makeCertificate().cert, key: makeCertificate().key });
  const refused = (message: RegExp) => ({ code: 'BAD_CERTIFICATE', message });
  await assert.rejects(new Certificates([mixed], { log }).open(), refused(/1\.crt with the key .*1\.key/));
  const lost = { cert: join(folder, 'no.crt'), key: join(folder, 'no.key'), names: [] };
  await assert.rejects(new Certificates([lost], { log }).open(), refused(/no\.crt with the key .*no\.key .*ENOENT/));
});

test('at a reload, an invalid pair leaves the old one in use, and the log says so', {
  skip,
}, async (t) => {
  const { log, put, said } = workshop(t);
  const good = makeCertificate();
  const files = put('1', good);
  const certificates = new Certificates([files], { log, clock: new FakeClock() });
  await certificates.open();
  const { port } = await served(t, certificates);
  put('1', { cert: makeCertificate().cert, key: good.key });
  await certificates.reload();
  assert.equal(await shown(port), markOf(good));
  assert.match(said.join('\n'), /error a new certificate cannot be used.*1\.crt with the key/);
  rmSync(files.cert);
  await certificates.reload();
  assert.equal(await shown(port), markOf(good));
  const better = makeCertificate();
  put('1', better);
  await certificates.reload();
  assert.equal(await shown(port), markOf(better));
});

test('the log warns two weeks before a certificate expires, and again three days before', { skip }, async (t) => {
  const { log, put, said } = workshop(t);
  const clock = new FakeClock();
  const own = makeCertificate();
  const begin = Date.parse(new X509Certificate(own.cert).validTo) - 16.5 * DAY;
  const certificates = new Certificates([put('1', own)], { log, clock, now: () => begin + clock.now() });
  await certificates.open();
  t.after(() => certificates.close());
  assert.deepEqual(said, []);
  clock.advance(15 * DAY);
  const warnings = ['warn a certificate expires in 13 days', 'error a certificate expires in 2 days'];
  assert.deepEqual(said, warnings);
  clock.advance(2 * DAY);
  assert.deepEqual(said, warnings, 'each is said once');
});
