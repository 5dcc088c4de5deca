import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ZocaloError } from '../../../src/errors.ts';
import { isChannel, JsonText } from '../../../src/protocol/index.ts';
import { Changes, channelTemplate, dataTemplate, textTemplate } from '../../../src/sources/decoding/index.ts';

test('a channel is named by the fields of a frame', () => {
  assert.equal(channelTemplate('door:{device}')({ device: 7 }), 'door:7');
  assert.equal(channelTemplate('gps:{head.imei}')(JsonText.parse('{"head":{"imei":"35"}}')), 'gps:35');
  assert.equal(channelTemplate('{site}/scale:3')({ site: 'A 1' }), 'A%201/scale:3');
  assert.equal(channelTemplate('scale:3')('anything'), 'scale:3');
});

test('no value of a device makes an invalid name, or leaves its place in the name', () => {
  const values = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('.', '..', '', '*', '1:2', '../admin', '$x', '%'),
  );
  const door = channelTemplate('door:{device}:events');
  const names = new Map<string, string>();
  fc.assert(
    fc.property(values, (device) => {
      const name = door({ device });
      if (name instanceof ZocaloError) {
        assert.equal(name.code, 'FRAME_NOT_DECODED');
        assert.ok(device.length > 50 || /^\.{0,2}$/.test(device), device);
        return;
      }
      assert.ok(isChannel(name), name);
      assert.match(name, /^door:[^:/*$]+:events$/);
      assert.equal(names.get(name) ?? device.toWellFormed(), device.toWellFormed(), 'two devices have one channel');
      names.set(name, device);
    }),
    { numRuns: 1_000 },
  );
});

test('a value that is missing, no text or too long names no channel', () => {
  const door = channelTemplate('door:{device}');
  const long = 'x'.repeat(255);
  for (const fields of [
    {},
    { device: null },
    { device: {} },
    { device: [1] },
    { device: '' },
    { device: long },
    'text',
    null,
  ])
    assert.equal((door(fields) as ZocaloError).code, 'FRAME_NOT_DECODED');
  for (const path of ['__proto__', 'constructor', 'toString', 'device.length'])
    assert.ok(channelTemplate(`door:{${path}}`)({ device: 'x' }) instanceof ZocaloError, path);
});

test('data is made of fields, which keep their type where they stand alone', () => {
  const template = dataTemplate({
    badge: '{badge}',
    text: 'door {door} {{open}}',
    list: ['{open}', 1],
    of: { none: null },
  });
  assert.deepEqual(template({ badge: 42, door: 'A', open: true }), {
    badge: 42,
    text: 'door A {open}',
    list: [true, 1],
    of: { none: null },
  });
  assert.deepEqual(dataTemplate('{kg}')({ kg: null }), null);
  assert.equal((template({ badge: 42 }) as ZocaloError).happened, 'there is no field door');
});

test('a template of text has the values as they are', () => {
  assert.equal(textTemplate('OK {serial}\r\n')({ serial: 'a:b' }), 'OK a:b\r\n');
});

test('a template that can make no name or is not closed is refused', () => {
  for (const template of ['', 'a b', '$x', 'door:{device', 'door:}', 'door:{a b}', '*'])
    assert.throws(() => channelTemplate(template), { code: 'BAD_OPTION' }, template);
});

test('only what is stored counts as known, and the oldest keys are forgotten', () => {
  const changes = new Changes(2);
  assert.ok(changes.differs('scale:1', { kg: 1 }));
  assert.ok(changes.differs('scale:1', { kg: 1 }), 'it was not kept yet');
  changes.keep('scale:1', { kg: 1 });
  assert.ok(!changes.differs('scale:1', { kg: 1 }) && changes.differs('scale:1', { kg: 2 }));
  changes.keep('scale:2', 'a');
  changes.keep('scale:1', { kg: 1 });
  changes.keep('scale:3', JsonText.parse('[1]'));
  assert.ok(
    !changes.differs('scale:1', { kg: 1 }) && !changes.differs('scale:3', [1]) && changes.differs('scale:2', 'a'),
  );
});
