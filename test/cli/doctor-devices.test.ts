import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lookAtDevices } from '../../src/cli/doctor/devices.ts';
import { listen } from '../../src/stream/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type ConfigInput, configOf } from '../support/config.ts';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function told(sources: object, isRunning = false): Promise<string[]> {
  const findings = await lookAtDevices(configOf({ sources } as ConfigInput), isRunning);
  return findings.map(({ level, about, sentence }) => `${level} ${about}: ${sentence}`);
}

const LINES = { frame: 'lines', channel: 'door:1' };

test('the doctor tells of ports that are free or taken, and of what is called that does not answer', async (t) => {
  const [free, none] = [await freePort(), await freePort()];
  const taken = await listen('tcp://127.0.0.1:0');
  t.after(() => taken.close({ grace: 0 }));
  const [there] = taken.addresses as [string];
  const sources = {
    free: { listen: `tcp://127.0.0.1:${free}`, ...LINES },
    taken: { listen: there, ...LINES },
    raw: { lines: there, channel: 'chat:a' },
    dialled: { dial: there, ...LINES },
    away: { dial: `tcp://127.0.0.1:${none}`, ...LINES },
    clocks: { push: 'zkteco-push', ids: ['A1'], channel: 'clock:{device}' },
    broker: { mqtt: `mqtt://user:secret@127.0.0.1:${none}/a`, channel: 'a' },
    shop: { database: 'sqlite:shop.db' },
  };
  const found = await told(sources);
  assert.deepEqual(
    found.map((line) => line.replace(/:.*/, '')),
    [
      'ok source free',
      'problem source taken',
      'problem source raw',
      'ok source dialled',
      'problem source away',
      'ok source clocks',
      'problem source broker',
    ],
  );
  assert.match(found[0]!, /is free$/);
  assert.match(found[1]!, /is taken by another program/);
  assert.match(found[3]!, /accepts connections/);
  assert.match(found[4]!, new RegExp(`127.0.0.1:${none}`));
  assert.match(found[5]!, /\/iclock\//);
  assert.ok(!found.join().includes('secret'));
  const running = await told(sources, true);
  assert.match(running[1]!, /^ok source taken: .* is in use, and a zocalo runs here/);
  assert.match(running[4]!, /^warning source away: /);
});

test('the doctor reports files that are missing, or are not of a device', { skip: missing('mkfifo') }, async (t) => {
  const folder = temporaryFolder(t);
  const [fifo, plain] = [join(folder, 'fifo'), join(folder, 'plain')];
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  writeFileSync(plain, '');
  const found = await told({
    fifo: { file: fifo, ...LINES },
    plain: { file: plain, ...LINES },
    gone: { file: join(folder, 'gone'), ...LINES },
  });
  assert.deepEqual(found, [
    `ok source fifo: ${fifo} is there, and can be read`,
    `problem source plain: ${plain} is neither a device nor a FIFO`,
    `problem source gone: ${join(folder, 'gone')} is not there`,
  ]);
});

test('the doctor tells of certificates that do not fit, and of programs that are not there', {
  skip: missing('openssl'),
}, async (t) => {
  const folder = temporaryFolder(t);
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const doors = { listen: 'tls://127.0.0.1:0', tls, ...LINES, decode: { program: 'zocalo-has-no-such-program' } };
  const { cert, key } = makeCertificate();
  writeFileSync(tls.cert, cert);
  writeFileSync(tls.key, makeCertificate().key);
  const found = await told({ doors });
  assert.match(found[1]!, /^problem source doors: the certificate .* cannot be used: /);
  assert.match(found[2]!, /^problem source doors: the program zocalo-has-no-such-program was not found/);
  writeFileSync(tls.key, key);
  assert.match((await told({ doors }))[1]!, /^ok source doors: the certificate .* fits its key/);
});
