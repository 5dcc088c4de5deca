import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from '../../../src/stream/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { addressOf, DOORS, place } from './device-place.ts';

const skip = missing('openssl');

/** A source on `tls://`, with files that a test can replace. */
async function site(t: TestContext, hasAuthority = false) {
  const folder = temporaryFolder(t);
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const authority = join(folder, 'ca.pem');
  const use = ({ cert, key } = makeCertificate()) => {
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
    return cert;
  };
  const clients = [makeCertificate(), makeCertificate()] as const;
  const accept = (index: 0 | 1) => writeFileSync(authority, clients[index].cert);
  accept(0);
  const first = use();
  const clock = new FakeClock();
  const doors = { ...DOORS, listen: 'tls://127.0.0.1:0', tls: { ...files, ...(hasAuthority && { ca: authority }) } };
  const parts = await place(t, { channels: { 'door:*': {} }, sources: { doors } }, { clock });
  const url = await addressOf(parts.daemon);
  const reach = async (ca: string, own = {}) => {
    const socket = await connect(url, { ca, ...own });
    t.after(() => socket.destroy());
    return { socket, lines: socket.lines() };
  };
  const told = (sentence: string) => {
    const heard = () => parts.log.lines.filter((line) => line.sentence.includes(sentence)).length;
    return until(() => {
      clock.advance(60_000);
      return heard() > 0;
    }, sentence);
  };
  return { ...parts, files, first, use, reach, told, clients, accept };
}

test('a certificate is renewed in place: connected devices stay, and new ones see the new one', { skip }, async (t) => {
  const { first, use, reach, told } = await site(t);
  const before = await reach(first);
  const second = use();
  await told('a certificate was renewed');
  const after = await reach(second);
  await assert.rejects(reach(first));
  for (const [{ socket, lines }, n] of [
    [before, 1],
    [after, 2],
  ] as const) {
    socket.write(`{"id":"${n}","n":${n}}\n`);
    assert.equal((await lines.next()).value, `OK ${n}`);
  }
});

test('a certificate that does not fit its key is reported, and the old one stays in use', { skip }, async (t) => {
  const { first, files, reach, told, log } = await site(t);
  writeFileSync(files.cert, makeCertificate().cert);
  await told('a new certificate cannot be used, so the old one stays in use');
  const { fields } = log.lines.find(({ sentence }) => sentence.includes('stays in use'))!;
  assert.deepEqual([(fields.err as { code: string }).code, fields.cert], ['BAD_CERTIFICATE', files.cert]);
  await reach(first);
});

test('the authorities of devices are renewed in place', { skip }, async (t) => {
  const { first, reach, told, clients, accept } = await site(t, true);
  const talk = async (own: object) => {
    const { socket, lines } = await reach(first, own);
    socket.write('{"id":"a","n":1}\n');
    assert.equal((await lines.next()).value, 'OK 1');
  };
  await talk(clients[0]);
  await assert.rejects(talk(clients[1]));
  accept(1);
  await told('a certificate was renewed');
  await talk(clients[1]);
  await assert.rejects(talk(clients[0]));
});

test('a certificate that is missing at the start is reported, and the source opens when it is there', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const clock = new FakeClock();
  const doors = { ...DOORS, listen: 'tls://127.0.0.1:0', tls };
  const { log, daemon } = await place(t, { channels: { 'door:*': {} }, sources: { doors } }, { clock });
  const failed = log.lines.find(({ sentence }) => sentence === 'a source failed')!;
  assert.equal((failed.fields.err as { code: string }).code, 'BAD_CERTIFICATE');
  const { cert, key } = makeCertificate();
  writeFileSync(tls.cert, cert);
  writeFileSync(tls.key, key);
  await until(() => {
    clock.advance(1_000);
    return daemon.sourceAddresses.doors !== undefined;
  }, 'it opened');
});
