import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { dialectOf } from '../../../src/sources/index.ts';
import { launchChromium } from '../../support/chromium.ts';
import { startDaemon } from '../../support/daemon.ts';
import { MARIADB, startMariadb } from '../../support/mariadb.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { addressOf } from '../sources/device-place.ts';

/**
 * A frame of a reader, by the maker's description alone: A5, the device's number, command, from 80 on a result, length,
 * data, and CRC-16/MCRF4XX with its low byte first.
 */
function frameOf(device: number, command: number, data: Buffer): Buffer {
  const head = Buffer.alloc(command < 0x80 ? 8 : 9);
  head[0] = 0xa5;
  head.writeUInt32BE(device, 1);
  head[5] = command;
  head.writeUInt16BE(data.length, head.length - 2);
  const body = Buffer.concat([head, data]);
  let sum = 0xffff;
  for (const byte of body) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >> 1) ^ 0x8408 : sum >> 1;
  }
  return Buffer.concat([body, Buffer.of(sum & 0xff, sum >> 8)]);
}

/** Who passed, and when: seconds since 2 January 2000, by the clock of the reader. */
function fingerprint(user: number, at: string): Buffer {
  const data = Buffer.alloc(14);
  data.writeUIntBE(user, 0, 5);
  data.writeUInt32BE((Date.parse(`${at}Z`) - Date.UTC(2000, 0, 2)) / 1000, 5);
  data[9] = 1;
  return frameOf(5, 0xdf, data);
}

/** A page of the application that shows who passes at the door of a reader. */
async function openPage(t: TestContext, url: string) {
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  const script = `import { Client } from '${url}/zocalo.js';
    const subscription = new Client('${url.replace(/^http/, 'ws')}').subscribe('door:5');
    subscription.on('state', (state) => { document.querySelector('p').textContent = state; });
    subscription.on('message', ({ data }) => {
      document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: data.badge }));
    });`;
  const server = createServer((_, response) =>
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><p></p><ul></ul><script type="module">${script}</script>`),
  ).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.getByText('live').waitFor();
  return { shown: () => page.locator('li').allTextContents() };
}

test('fingerprints of a reader stand in a page at once and in MariaDB once, although the database was away', {
  skip: missing(...MARIADB, 'chromium'),
}, async (t) => {
  const server = await startMariadb(t);
  const query = async (text: string) => {
    const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
    try {
      return await session.query(text);
    } finally {
      session.close();
    }
  };
  await query('CREATE TABLE accesses (badge BIGINT NOT NULL, at DATETIME NOT NULL, door VARCHAR(64) NOT NULL)');
  const rows = async () =>
    (await query('SELECT badge, door, CAST(at AS CHAR) AS at FROM accesses')).map((row) => ({ ...row }));
  const { daemon, url, log } = await startDaemon(t, {
    store: `sqlite:${join(temporaryFolder(t), 'square.db')}`,
    origins: '*', // the page is the application's
    channels: { 'door:*': {} },
    databases: { main: server.address },
    sources: {
      gates: {
        listen: 'tcp://127.0.0.1:0',
        frame: 'anviz',
        channel: 'door:{device}',
        data: { badge: '{user}', at: '{time}' },
        into: {
          database: 'main',
          table: 'accesses',
          columns: { badge: '{badge}', at: '{data.at}', door: '{channel}' },
        },
      },
    },
  });
  const { shown } = await openPage(t, url);
  const { hostname, port } = new URL(await addressOf(daemon, 'gates'));
  const reader = connect(Number(port), hostname);
  t.after(() => reader.destroy());
  const heard: Buffer[] = [];
  reader.on('data', (bytes) => void heard.push(bytes));
  await once(reader, 'connect');
  reader.setNoDelay(true);

  reader.write(frameOf(5, 0x7f, Buffer.alloc(0)));
  const answer = frameOf(5, 0xff, Buffer.alloc(0)).toString('hex');
  await until(() => Buffer.concat(heard).toString('hex') === answer, 'the ping was answered');

  reader.write(fingerprint(42, '2026-07-16T17:18:56'));
  await until(async () => (await shown()).length === 1, 'the page showed the first');
  const first = { badge: 42, door: 'door:5', at: '2026-07-16 17:18:56' };
  await until(async () => (await rows()).length === 1, 'the first was a row');
  assert.deepEqual(await rows(), [first]);

  await server.stop();
  const second = fingerprint(43, '2026-07-16T17:19:01');
  reader.write(second.subarray(0, 11));
  // The first segment is read before the second is sent.
  await until(() => reader.bytesWritten === 10 + 25 + 11 && reader.writableLength === 0, 'one segment was sent');
  reader.write(second.subarray(11));
  await until(async () => (await shown()).length === 2, 'the page showed the second while the database was away');
  assert.deepEqual(await shown(), ['42', '43']);
  await until(() => /a sink failed/.test(log.text), 'the log told of the database');

  await server.start();
  await until(async () => (await rows()).length > 1, 'the second was a row');
  await daemon.stop();
  assert.deepEqual(await rows(), [first, { badge: 43, door: 'door:5', at: '2026-07-16 17:19:01' }]);
});
