import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../../src/clock.ts';
import { openFile } from '../../../src/sources/devices/file.ts';
import { connect, listen, type StreamSocket } from '../../../src/stream/index.ts';
import { type Certificate, makeCertificate } from '../../support/certificate.ts';
import { Program } from '../../support/cli.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { Site } from './devices.ts';

const LINES = { frame: { kind: 'lines' }, channel: 'scale', device: 'scale', reply: 'OK\n' } as const;

/** A source with one device, whose end of the line the test has. */
interface Pair {
  readonly site: Site;
  readonly device: StreamSocket;
  /** The next connection of the same device, once the last one is over or given up. */
  readonly again: () => Promise<StreamSocket>;
}

interface Way {
  readonly name: string;
  /** Whether bytes may be cut anywhere on their way. */
  readonly isStream: boolean;
  readonly skip: string | false;
  readonly open: (t: TestContext) => Promise<Pair>;
}

let certificate: Certificate | undefined;

function listening(url: string): (t: TestContext) => Promise<Pair> {
  return async (t) => {
    const isTls = url.startsWith('tls:');
    if (isTls) certificate ??= makeCertificate();
    const here = url.replace('FOLDER', url.includes('FOLDER') ? temporaryFolder(t) : '');
    const site = await Site.open(t, { ...LINES, listen: here, ...(isTls && { tls: certificate! }) });
    const again = async () => {
      const device = await connect(site.url, isTls ? { ca: certificate!.cert } : {});
      t.after(() => device.destroy());
      return device;
    };
    return { site, device: await again(), again };
  };
}

function dialling(urlIn: (t: TestContext) => string): (t: TestContext) => Promise<Pair> {
  return async (t) => {
    const server = await listen(urlIn(t));
    t.after(() => server.close({ grace: 0 }));
    const site = await Site.open(t, { ...LINES, dial: server.addresses[0]! });
    const again = async () => {
      let device: StreamSocket | undefined;
      void server.accept().then((socket) => {
        device = socket;
      });
      await until(() => {
        site.clock.advance(1_000);
        return device !== undefined;
      }, 'the device was called');
      t.after(() => device!.destroy());
      return device!;
    };
    return { site, device: await again(), again };
  };
}

/** Two serial ports with a cable between them. The device has one end; with it, its cable goes. */
async function serial(t: TestContext): Promise<Pair> {
  const [here, there] = ['here', 'there'].map((name) => join(temporaryFolder(t), name)) as [string, string];
  const site = new Site(t, { ...LINES, file: here });
  let cable: Program | undefined;
  let opened: Promise<void> | undefined;
  const again = async () => {
    await cable?.stop('SIGKILL');
    for (const path of [here, there]) rmSync(path, { force: true });
    cable = new Program('socat', [`pty,raw,echo=0,link=${here}`, `pty,raw,echo=0,link=${there}`]);
    t.after(() => cable?.stop('SIGKILL'));
    await until(() => existsSync(here) && existsSync(there), 'there was a cable');
    const device = await openFile(there, { clock: systemClock, signal: new AbortController().signal });
    device.once('close', () => cable?.stop('SIGKILL'));
    t.after(() => device.destroy());
    opened ??= site.source.open();
    await opened;
    await until(() => {
      site.clock.advance(1_000);
      return site.source.totals.lines === 1;
    }, 'the port was opened');
    return device;
  };
  return { site, device: await again(), again };
}

const WAYS: readonly Way[] = [
  { name: 'listen tcp', isStream: true, skip: false, open: listening('tcp://127.0.0.1:0') },
  { name: 'listen tls', isStream: true, skip: missing('openssl'), open: listening('tls://127.0.0.1:0') },
  { name: 'listen unix', isStream: true, skip: false, open: listening('unix://FOLDER/device.sock') },
  { name: 'listen udp', isStream: false, skip: false, open: listening('udp://127.0.0.1:0') },
  { name: 'dial tcp', isStream: true, skip: false, open: dialling(() => 'tcp://127.0.0.1:0') },
  {
    name: 'dial unix',
    isStream: true,
    skip: false,
    open: dialling((t) => `unix://${join(temporaryFolder(t), 'd.sock')}`),
  },
  { name: 'file, a serial port', isStream: true, skip: missing('socat'), open: serial },
];

/** What the device hears, as text. */
function hears(device: StreamSocket): () => string {
  let text = '';
  device.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  return () => text;
}

for (const { name, isStream, skip, open } of WAYS) {
  test(`${name}: what a device sends is published in its order, and answered`, { skip }, async (t) => {
    const { site, device } = await open(t);
    const heard = hears(device);
    device.write('one\ntwo\n');
    device.write('three\n');
    await until(() => heard() === 'OK\nOK\nOK\n', 'all three were answered');
    assert.deepEqual(site.log.data, ['one', 'two', 'three']);
    assert.equal(new Set(site.log.stored.map(({ key }) => key)).size, 3);
    assert.deepEqual(site.codes, []);
  });

  test(`${name}: nothing is answered before it is stored`, { skip }, async (t) => {
    const { site, device } = await open(t);
    const gate = Promise.withResolvers<void>();
    site.log.gate = gate.promise;
    const heard = hears(device);
    device.write('one\n');
    await until(() => site.log.attempts === 1, 'the reading was handed over');
    assert.equal(heard(), '');
    gate.resolve();
    await until(() => heard() === 'OK\n', 'it was answered');
  });

  test(`${name}: a command is sent now, or kept in order until the device is here again`, { skip }, async (t) => {
    const { site, device, again } = await open(t);
    const heard = hears(device);
    device.write('hello\n');
    await until(() => heard() === 'OK\n', 'the device was answered');
    site.source.send('scale', 'tare');
    await until(() => heard() === 'OK\ntare\n', 'the command came');
    if (isStream) {
      device.destroy();
      await until(() => site.device('scale')?.here === false, 'the device was gone');
      for (const command of ['first', 'second']) site.source.send('scale', command);
      assert.equal(site.device('scale')?.waiting, 2);
    }
    const next = await again();
    const heardNext = hears(next);
    next.write('back\n');
    if (!isStream) {
      // Nothing tells of the end of UDP: a command goes where the device was heard last.
      await until(() => {
        site.clock.advance(50);
        return heardNext() === 'OK\n';
      }, 'it was answered');
      for (const command of ['first', 'second']) site.source.send('scale', command);
    }
    await until(() => /first\n.*second\n/s.test(heardNext()), 'both commands came in their order');
    assert.equal(site.device('scale')?.waiting, 0);
  });

  test(`${name}: when the source closes, what has arrived is stored and answered first`, { skip }, async (t) => {
    const { site, device } = await open(t);
    const gate = Promise.withResolvers<void>();
    site.log.gate = gate.promise;
    const heard = hears(device);
    device.write('one\ntwo\n');
    await until(() => site.log.attempts > 0, 'a reading was handed over');
    let isClosed = false;
    const closed = site.source.close().then(() => {
      isClosed = true;
    });
    gate.resolve();
    await until(() => {
      site.clock.advance(10);
      return isClosed;
    }, 'the source was closed');
    await closed;
    assert.deepEqual(site.log.data, ['one', 'two']);
    await until(() => heard() === 'OK\nOK\n', 'both were answered');
    assert.equal(site.source.totals.lines, 0);
  });

  if (isStream)
    test(`${name}: wherever the bytes are cut, the same is published`, { skip }, async (t) => {
      const { site, device } = await open(t);
      const heard = hears(device);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 8 }),
          fc.array(fc.nat(), { maxLength: 6 }),
          async (words, places) => {
            const before = site.log.stored.length;
            const answers = heard().length + 3 * words.length;
            const bytes = Buffer.from(`${words.join('\n')}\n`);
            const cuts = [...new Set(places.map((place) => place % bytes.length))].toSorted((a, b) => a - b);
            for (const [index, from] of [0, ...cuts].entries())
              await new Promise((done) => device.write(bytes.subarray(from, cuts[index] ?? bytes.length), done));
            await until(() => heard().length === answers, 'all were answered');
            assert.deepEqual(site.log.data.slice(before), words);
          },
        ),
        { numRuns: 30 },
      );
    });
}
