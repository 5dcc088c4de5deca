import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inspectRedis } from '../../../src/broker/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { Program } from '../../support/cli.ts';
import { quietPort } from '../../support/free-port.ts';
import { missing } from '../../support/need.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { listen, openBroker } from './several.ts';

/** Handshakes take their time on a busy machine. */
const PATIENT = { connectTimeout: 20_000, answerTimeout: 20_000 };

/** A certificate that no public authority has signed, and the settings of a server with it. */
function privateCertificate(t: TestContext, names?: string) {
  const folder = temporaryFolder(t);
  const { cert, key } = makeCertificate(names);
  const [ca, keyFile] = [join(folder, 'ca.pem'), join(folder, 'key.pem')];
  writeFileSync(ca, cert);
  writeFileSync(keyFile, key);
  const files = ['--tls-cert-file', ca, '--tls-key-file', keyFile, '--tls-ca-cert-file', ca];
  return { ca, settings: [...files, '--tls-auth-clients', 'no'] };
}

describe('Redis with TLS', { skip: noRedis || missing('openssl') }, () => {
  test('a private authority is trusted by its file, and nobody else’s certificate is', async (t) => {
    const { ca, settings } = privateCertificate(t);
    const port = await quietPort();
    await startRedis(t, [...settings, '--tls-port', String(port), '--requirepass', 'secret']);
    const address = `rediss://:secret@127.0.0.1:${port}`;
    const broker = await openBroker(t, `${address}?ca=${encodeURIComponent(ca)}`, PATIENT);
    const heard = await listen(broker, 'a');
    await broker.publish('a', { data: '1' });
    assert.deepEqual(heard, ['a 1 1']);
    assert.match((await inspectRedis(`${address}?ca=${ca}`)).place, /^rediss:/);
    const refused = (address: string, code: string, message: RegExp) =>
      assert.rejects(openBroker(t, address), { code, message });
    await refused(address, 'LOG_UNSUITABLE', /certificate that is not trusted: .*add \?ca=/);
    await refused(`${address}?ca=${ca}.gone`, 'BAD_ADDRESS', /which cannot be read/);
    await refused(`redis://127.0.0.1:${port}`, 'LOG_UNREACHABLE', /cannot be reached/);
  });

  test('a certificate of another host is refused', async (t) => {
    const { ca, settings } = privateCertificate(t, 'DNS:redis.example.com');
    const port = await quietPort();
    await startRedis(t, [...settings, '--tls-port', String(port)]);
    await assert.rejects(openBroker(t, `rediss://127.0.0.1:${port}?ca=${ca}`), { code: 'LOG_UNSUITABLE' });
  });

  test('all servers of a cluster are spoken to with TLS', async (t) => {
    const { ca, settings } = privateCertificate(t);
    const ports: number[] = [];
    const more = async () => {
      ports.push(await quietPort());
      return ['--tls-cluster', 'yes', '--tls-port', String(ports.at(-1))];
    };
    await startCluster(t, { settings, more });
    const broker = await openBroker(t, `rediss+cluster://127.0.0.1:${ports[0]}?ca=${ca}`, PATIENT);
    const names = Array.from({ length: 20 }, (_, n) => `a:${n}`);
    const heard = await listen(broker, 'a:*');
    await Promise.all(names.map((name) => broker.publish(name, { data: '1' })));
    await until(() => heard.length === 20, 'all were heard');
  });

  test('sentinels, and the primary that they name, are spoken to with TLS', async (t) => {
    const { ca, settings } = privateCertificate(t);
    const port = await quietPort();
    await startRedis(t, [...settings, '--tls-port', String(port)]);
    const sentinel = await startTlsSentinel(t, settings, port);
    const address = `rediss+sentinel://127.0.0.1:${sentinel}/main`;
    const broker = await openBroker(t, `${address}?ca=${encodeURIComponent(ca)}`, PATIENT);
    const heard = await listen(broker, 'a');
    await broker.publish('a', { data: '1' });
    assert.deepEqual(heard, ['a 1 1']);
    await assert.rejects(openBroker(t, address), {
      code: 'LOG_UNREACHABLE',
      message: /no sentinel answers: .* a certificate that is trusted \(\?ca= in the address\)/,
    });
    await assert.rejects(openBroker(t, `redis+sentinel://127.0.0.1:${sentinel}/main`), { code: 'LOG_UNREACHABLE' });
  });
});

/** A sentinel that speaks TLS alone, and watches the server at this port. Returns its own port. */
async function startTlsSentinel(t: TestContext, settings: readonly string[], primary: number): Promise<number> {
  const folder = temporaryFolder(t);
  const port = await quietPort();
  const file = join(folder, 'sentinel.conf');
  const lines = [`tls-port ${port}`, 'port 0', 'bind 127.0.0.1', 'tls-replication yes', `dir ${folder}`];
  for (let at = 0; at < settings.length; at += 2) lines.push(`${settings[at]!.slice(2)} ${settings[at + 1]}`);
  writeFileSync(file, `${[...lines, `sentinel monitor main 127.0.0.1 ${primary} 1`].join('\n')}\n`);
  const program = new Program('redis-server', [file, '--sentinel'], { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  await program.says(/\+monitor master main/);
  return port;
}
