import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { type FrameDescription, framerFactory } from '../../../src/sources/framing/index.ts';
import { HTTP_PRESETS, PRESETS, type Preset, type PresetName } from '../../../src/sources/presets/index.ts';

const NOW = new Date('2026-08-21T10:42:07Z');

function read(description: FrameDescription, bytes: Buffer) {
  const codes: string[] = [];
  const framer = framerFactory(description)({ report: ({ code }) => codes.push(code) });
  framer.append(bytes);
  const frames: Buffer[] = [];
  for (let frame = framer.take(); frame; frame = framer.take()) frames.push(frame);
  return { framer, frames, codes };
}

/** Frames of a preset in hexadecimal, its answers, and what they say. */
function hear(name: PresetName, sent: string | Buffer, by: 'frame' | 'datagram' = 'frame') {
  const preset: Preset = PRESETS[name];
  const bytes = typeof sent === 'string' ? Buffer.from(sent.replaceAll(/\s/g, ''), 'hex') : sent;
  const { framer, frames, codes } = read(preset[by] ?? preset.frame, bytes);
  return {
    codes,
    skipped: framer.skipped,
    frames: frames.map((frame) => frame.toString('hex')),
    replies: frames.map((frame) => preset.reply?.(frame, NOW)?.toString('hex')),
    decoded: frames.map((frame) => preset.decode?.(frame)),
  };
}

test('gt06: a tracker logs in, and its serial number is sent back', () => {
  // Login and answer as in the maker's description.
  const { decoded, replies, codes } = hear('gt06', '7878 0d 01 0123456789012345 0001 8cdd 0d0a');
  assert.deepEqual(codes, []);
  assert.deepEqual(decoded, [{ type: 1, serial: 1, imei: '123456789012345', data: '0123456789012345' }]);
  assert.deepEqual(replies, ['787805010001d9dc0d0a']);
});

test('gt06: a position, as in the maker’s description', () => {
  const { decoded, replies } = hear('gt06', '78781F120B081D112E10CF027AC7EB0C46584900148F01CC00287D001FB8000380810D0A');
  const [position] = decoded as [Record<string, number>];
  assert.deepEqual(
    [position.time, position.satellites, position.speed, position.course, position.fixed],
    ['2011-08-29T17:46:16.000Z', 15, 0, 143, true],
  );
  assert.ok(Math.abs(position.latitude! - 23.1116683) < 1e-6 && Math.abs(position.longitude! - 114.409285) < 1e-6);
  assert.deepEqual(replies, [undefined]);
});

test('gt06: short and long frames of real trackers, one after another', () => {
  const frames = [
    '78781f1210020e14061dcc0476fcd0003e3faf3e14b20000000000000000044ef6740d0a',
    '78780d010352887071911998000479d00d0a',
    '78782516000000000000c000000000000000000020000900fa0210ef00fb620006640301000468030d0a',
    '787805120099abec0d0a',
    '79790026f16318c0000001010100020101000301000004010100050201950006010010000100008021af0d0a',
    '7979000e941e000000d5000002ee00f59b850d0a',
    '7878131340b2fa000201040000000000011c00400e550d0a',
  ];
  assert.deepEqual(hear('gt06', frames.join('')).frames, frames);
  // Some copies of these trackers count their bytes otherwise, without a checksum that fits: those are passed over.
  const odd = '78780d0103563140414198583c0d0a';
  const { frames: read, codes } = hear('gt06', odd + frames[0]);
  assert.deepEqual([read, codes], [[frames[0]], ['FRAME_DAMAGED']]);
});

test('gt06: a tracker that asks for the time is told it', () => {
  const { framer } = read(PRESETS.gt06.frame, Buffer.alloc(0));
  const question = framer.encode(Buffer.from('7878058a000700000d0a', 'hex'));
  const [answer] = hear('gt06', question).replies;
  assert.match(answer!, /^78780b8a1a08150a2a070007....0d0a$/);
  assert.deepEqual(hear('gt06', answer!).codes, [], 'its checksum is right');
});

test('teltonika: the IMEI is accepted with 01, and each packet with the number of its records', () => {
  const imei = '000F313233343536373839303132333435';
  const packet =
    '000000000000004b8e010000018368952793000f0e54fc209ab05800b300b40e00002a4f0001000000000000000000012a4f001e011c0001a40110eb47706aa38255aa96f21a154e2d00550d01000e020bd6010000823f';
  const { decoded, replies, codes } = hear('teltonika', `ff${imei}ff${packet}${packet}`);
  assert.deepEqual(codes, []);
  assert.deepEqual(decoded[0], { imei: '123456789012345' });
  assert.deepEqual([replies[0], replies[1], replies[2]], ['01', '00000001', '00000001']);
  const { codec, records } = decoded[1] as { codec: number; records: number };
  assert.deepEqual([codec, records], [0x8e, 1]);
});

test('teltonika: a command is written with its length and checksum, as a published encoder does', () => {
  const command = '00000000000000140c01050000000c7365746469676f7574203131010000bed5';
  const { framer } = read(PRESETS.teltonika.frame, Buffer.alloc(0));
  const blank = Buffer.from(command.replace('00000014', '00000000').replace('bed5', '0000'), 'hex');
  assert.equal(framer.encode(blank).toString('hex'), command);
  assert.deepEqual(hear('teltonika', command).replies, [undefined], 'what answers a command is not acknowledged');
});

test('anviz: a ping is answered as the maker’s own program does', () => {
  const { framer } = read(PRESETS.anviz.frame, Buffer.alloc(0));
  const ping = framer.encode(Buffer.from('a5000000017f00000000', 'hex'));
  const { replies, decoded } = hear('anviz', ping);
  assert.deepEqual(decoded, [{ device: 1, command: 0x7f, data: '' }]);
  assert.deepEqual(replies, ['a500000001ff00000078c1']);
});

test('anviz: the length stands one byte later from command 80 on, for a record that comes by itself', () => {
  const { framer } = read(PRESETS.anviz.frame, Buffer.alloc(0));
  const record = '000000002a 31ea7d80 01 81 000000'.replaceAll(' ', '');
  const said = framer.encode(Buffer.from(`a500000005df00000e${record}0000`, 'hex'));
  const asked = framer.encode(Buffer.from('a50000000538000000000000', 'hex'));
  // The A5 in front makes a frame of 57,098 bytes, which is refused at once: no device sends as much.
  const { decoded, replies, frames, codes } = hear('anviz', Buffer.concat([Buffer.from('ffa5', 'hex'), said, asked]));
  assert.deepEqual([frames.length, codes], [2, ['FRAME_TOO_LONG']]);
  assert.deepEqual(decoded[0], {
    device: 5,
    command: 0xdf,
    result: 0,
    data: record,
    user: 42,
    time: '2026-07-16T17:18:56',
    backup: 1,
    record: 0x81,
    work: 0,
  });
  assert.deepEqual(replies, [undefined, undefined]);
});

test('modbus: requests and answers of the specification', () => {
  // Read holding registers 107 to 109, and the answer (Modbus Application Protocol V1.1b3, 6.3), by TCP.
  const { decoded } = hear(
    'modbus',
    '15010000000611 03006b0003' + '15010000000911 0306022b00000064' + '15010000000311 8302',
  );
  assert.deepEqual(decoded, [
    { transaction: 0x1501, unit: 17, function: 3, failed: false, data: '006b0003' },
    { transaction: 0x1501, unit: 17, function: 3, failed: false, data: '06022b00000064' },
    { transaction: 0x1501, unit: 17, function: 3, failed: true, data: '02' },
  ]);
});

test('nmea: sentences are checked, and what stands before them is passed over', () => {
  const sentence = '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47';
  const ais = '!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D';
  const { frames, decoded, codes, skipped } = hear(
    'nmea',
    Buffer.from(`modem\r\n${sentence}\r\n${ais}\r\n${sentence.replace('545', '546')}\r\n`),
  );
  assert.deepEqual(
    frames.map((frame) => Buffer.from(frame, 'hex').toString()),
    [sentence, ais],
  );
  assert.deepEqual([codes, skipped], [['FRAME_DAMAGED'], 7 + sentence.length + 2]);
  const [{ talker, type, fields }] = decoded as [{ talker: string; type: string; fields: string[] }];
  assert.deepEqual([talker, type, fields[1], fields.length], ['GP', 'GGA', '4807.038', 14]);
});

test('syslog: both countings of RFC 6587 on one connection, and one message a datagram', () => {
  const long = `<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.`;
  const old = `<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8`;
  const { decoded } = hear('syslog', Buffer.from(`${long.length} ${long}${old}\n7 <13>1\nx<14>b\n`));
  assert.deepEqual(decoded[0], {
    facility: 20,
    severity: 5,
    time: '2003-08-24T05:14:15.000003-07:00',
    host: '192.0.2.1',
    app: 'myproc',
    process: '8710',
    message: `- %% It's time to make the do-nuts.`,
  });
  assert.deepEqual(decoded[1], {
    facility: 4,
    severity: 2,
    message: `Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8`,
  });
  assert.deepEqual(decoded.slice(2), [
    { facility: 1, severity: 5, message: '1\nx' },
    { facility: 1, severity: 6, message: 'b' },
  ]);
  assert.equal(hear('syslog', Buffer.from('<13>two\nlines'), 'datagram').frames.length, 1);
  assert.ok(hear('syslog', Buffer.from('<192>x\n')).decoded[0] instanceof ZocaloError);
});

test('syslog: a counted message that was cut by the end is not taken for a whole one', () => {
  const { framer } = read(PRESETS.syslog.frame, Buffer.from('20 <13>half'));
  assert.equal(framer.end(), undefined);
});

test('syslog: a counted message over the limit is passed over to its end, however it is cut', () => {
  const bytes = Buffer.from(`70000 ${'<13>x\n'.repeat(12_000).slice(0, 70_000)}5 <13>y`);
  for (const size of [1_000, 7_001, bytes.length]) {
    const codes: string[] = [];
    const framer = framerFactory(PRESETS.syslog.frame)({ report: ({ code }) => codes.push(code) });
    const frames: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      framer.append(bytes.subarray(at, at + size));
      for (let frame = framer.take(); frame; frame = framer.take()) frames.push(frame.toString());
    }
    assert.deepEqual([frames, codes, framer.skipped], [['<13>y'], ['FRAME_TOO_LONG'], 70_006]);
  }
});

test('statsd: several metrics in one datagram, each with its parts', () => {
  const datagram = 'gorets:1|c\nglork:320|ms|@0.1|#env:dev,us\ngaugor:-10|g\nuniques:765|s';
  assert.deepEqual(hear('statsd', Buffer.from(datagram), 'datagram').decoded, [
    { name: 'gorets', value: 1, type: 'c' },
    { name: 'glork', value: 320, type: 'ms', rate: 0.1, tags: ['env:dev', 'us'] },
    { name: 'gaugor', value: '-10', type: 'g' },
    { name: 'uniques', value: '765', type: 's' },
  ]);
  assert.ok(hear('statsd', Buffer.from('nonsense\n')).decoded[0] instanceof ZocaloError);
});

test('mllp: a message is acknowledged under its control number, from receiver to sender', () => {
  const message = 'MSH|^~\\&|LAB|ICU|LIS|HOSP|20260821104200||ORU^R01|MSG00001|P|2.5\rPID|1||123\r';
  const { replies, frames } = hear('mllp', Buffer.from(`\x0b${message}\x1c\r`));
  assert.equal(Buffer.from(frames[0]!, 'hex').toString(), message);
  assert.equal(
    Buffer.from(replies[0]!, 'hex').toString(),
    '\x0bMSH|^~\\&|LIS|HOSP|LAB|ICU|20260821104207||ACK^R01|MSG00001|P|2.5\rMSA|AA|MSG00001\r\x1c\r',
  );
  assert.deepEqual(hear('mllp', Buffer.from('\x0bno header\x1c\r')).replies, [undefined]);
});

test('zkteco-push: a page of attendance is a record a line, and its answer says how many', () => {
  const preset = HTTP_PRESETS['zkteco-push'];
  const query = new URLSearchParams('SN=3383154200002&table=ATTLOG&Stamp=9999');
  const records = preset.decode(
    query,
    '1452\t2015-07-30 15:16:28\t0\t1\t0\t0\t0\n2\t2015-07-30 15:17:01\t1\t15\t0\n\n',
  );
  assert.deepEqual(records, [
    { device: '3383154200002', user: '1452', time: '2015-07-30 15:16:28', status: '0', verify: '1', work: '0' },
    { device: '3383154200002', user: '2', time: '2015-07-30 15:17:01', status: '1', verify: '15', work: '0' },
  ]);
  assert.equal(preset.reply(query, 2), 'OK: 2');
  assert.deepEqual(preset.decode(new URLSearchParams('SN=1&table=OPERLOG'), 'OPLOG 4\t0'), []);
  assert.equal(preset.reply(new URLSearchParams('SN=1&table=OPERLOG'), 0), 'OK');
  const [bad, good] = preset.decode(query, '1452\tyesterday\n7\t2015-07-30 15:16:28\n');
  assert.equal((bad as ZocaloError).code, 'FRAME_NOT_DECODED');
  assert.deepEqual(good, {
    device: '3383154200002',
    user: '7',
    time: '2015-07-30 15:16:28',
    status: '',
    verify: '',
    work: '',
  });
});

test('no bytes make a preset throw', () => {
  for (const name of Object.keys(PRESETS) as PresetName[]) {
    const preset: Preset = PRESETS[name];
    const framer = framerFactory(preset.frame)({ report: () => {} });
    for (let size = 0; size < 40; size++) {
      let frame: Buffer;
      try {
        frame = framer.encode(Buffer.alloc(size, size));
      } catch (error) {
        assert.equal((error as ZocaloError).code, 'FRAME_NOT_ENCODED', name);
        continue;
      }
      framer.append(frame);
      for (let taken = framer.take(); taken; taken = framer.take()) {
        preset.decode?.(taken);
        preset.reply?.(taken, NOW);
      }
    }
  }
});
