import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePairs } from '../../../src/server/handlers/carriers/fastcgi/records.ts';
import { startDaemon } from '../../support/daemon.ts';
import { application } from '../auth/auth-fixture.ts';

test('a handler of publish is told when a publication is not to be stored', async (t) => {
  const told: { keep?: boolean }[] = [];
  const url = await application(t, ({ body }, response) => {
    told.push(JSON.parse(body));
    response.end('{"allow":true}');
  });
  const { client } = await startDaemon(t, {
    channels: { room: { publish: 'everyone' } },
    handlers: { shop: { events: ['publish'], channels: 'room', url } },
  });
  const person = client();
  await person.publish('room', 1);
  await person.publish('room', 2, { keep: false });
  assert.deepEqual(
    told.map(({ keep }) => keep),
    [undefined, false],
  );
});

test('a cookie in UTF-8 reaches a FastCGI script with the same bytes', () => {
  // As Node gives headers: a character for each byte.
  const value = Buffer.from('name=José').toString('latin1');
  assert.equal(encodePairs({ HTTP_COOKIE: value }).subarray(2).toString(), 'HTTP_COOKIEname=José');
  assert.equal(encodePairs({ SCRIPT_NAME: '/é.php' }).subarray(2).toString(), 'SCRIPT_NAME/é.php');
});
