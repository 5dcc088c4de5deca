import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { JsonText } from '../../../src/protocol/index.ts';
import { partsOf } from '../../../src/server/handlers/carriers/workers/worker-line.ts';
import { readAnswer } from '../../../src/server/sources/decode-answer.ts';
import { DecodeProgram } from '../../../src/server/sources/decode-program.ts';
import type { SourceParts } from '../../../src/server/sources/source.ts';
import type { Said, Sender } from '../../../src/sources/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { DOORS, place } from './device-place.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/devices.md'), 'utf8');
const LANGUAGES = { python: 'python3', php: 'php' } as const;
const SCALES = { kind: 'length', width: 1, limit: 255 } as const;

for (const [language, program] of Object.entries(LANGUAGES))
  test(`the program in ${language} of docs/devices.md reads frames, answers devices and refuses garbage`, {
    skip: missing(program),
  }, async (t) => {
    const code = TEXT.split(`\`\`\`${language}\n`)
      .map((part) => part.split('\n```')[0]!)
      .find((part) => part.includes('decode.'))!;
    const file = join(temporaryFolder(t), 'decode');
    writeFileSync(file, `${code}\n`);
    const doors = {
      listen: 'tcp://127.0.0.1:0',
      frame: SCALES,
      decode: { program: [program, file] },
      channel: 'scale:{device}',
    };
    const { device, stored, log, url } = await place(t, { channels: { 'scale:*': {} }, sources: { doors } });
    const { socket } = await device();
    const heard: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => heard.push(bytes));
    socket.write(Buffer.from('0353071e', 'hex'));
    await until(() => Buffer.concat(heard).toString('hex') === '06', 'it was answered');
    socket.write(Buffer.from('0153035307ff', 'hex'));
    await until(() => Buffer.concat(heard).toString('hex') === '0606', 'it was answered again');
    assert.deepEqual(await stored('scale:7'), [
      { device: 7, grams: 30 },
      { device: 7, grams: 255 },
    ]);
    const told = log.lines.filter(({ level }) => level === 'warn' || level === 'error');
    const { source, err } = told[0]!.fields as { source: string; err: ZocaloError };
    assert.deepEqual([told.length, source, err.code], [1, 'doors', 'FRAME_NOT_DECODED']);
    assert.match(err.message, /: a frame of 2 bytes is none of a scale/);
    const health = (await (await fetch(`${url}/health`)).json()) as { sources: { doors: { ok: boolean } } };
    assert.equal(health.sources.doors.ok, true);
  });

/** A program of Node's that leaves a mark, and has the text of a frame and a function for answers. */
function programOf(t: TestContext, code: string): { readonly file: string; readonly text: string } {
  const file = join(temporaryFolder(t), 'decode.mjs');
  const text = `import { appendFileSync, createReadStream, existsSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
const [read, write] = process.env.ZOCALO_CHANNEL.slice(3).split(',').map(Number);
const mark = process.argv[1] + '.mark';
const isFirst = !existsSync(mark);
appendFileSync(mark, 'x');
const say = (line) => writeSync(write, JSON.stringify(line) + '\\n');
createInterface({ input: createReadStream('', { fd: read }) }).on('line', (line) => {
  const [, n, event] = JSON.parse(line);
  const text = Buffer.from(event.hex, 'hex').toString();
  const answer = (data) => say(['ok', n, { data }]);
  ${code}
});
`;
  writeFileSync(file, text);
  return { file, text };
}

/** A program whose clock only a test moves. */
async function open(t: TestContext, code: string, start = '') {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const codes: string[] = [];
  const parts = {
    clock,
    log: { write: (_: string, __: string, { err }: { err: { code: string } }) => void codes.push(err.code) },
    programLog: log,
    metrics: { failed: () => {} },
    hub: {},
  } as unknown as SourceParts;
  const { file, text } = programOf(t, code);
  writeFileSync(file, start + text);
  const program = new DecodeProgram('doors', { program: [process.execPath, file], workers: 1, timeout: 3_000 }, parts);
  await program.open();
  t.after(() => program.close(0));
  const gone = new AbortController();
  const ask = (text: string, sender: Partial<Sender> = {}) =>
    program.ask(Buffer.from(text), { address: '192.0.2.4', device: undefined, ...sender }, gone.signal);
  const ready = (times: number) =>
    until(() => statSync(`${file}.mark`, { throwIfNoEntry: false })?.size === times, 'it ran');
  const asked = (times: number) =>
    until(() => statSync(`${file}.asked`, { throwIfNoEntry: false })?.size === times, 'it was asked');
  const ended = (times: number) =>
    until(() => log.lines.filter(({ sentence }) => /^a program ended/.test(sentence)).length === times, 'it ended');
  const failed = (times: number) => until(() => codes.length === times, `the frame waited for the ${times}. time`);
  return { program, ask, ready, asked, failed, ended, clock, codes, gone, mend: () => writeFileSync(file, text) };
}

function saidOf(data: unknown) {
  return { data: JsonText.of(data), channel: undefined, device: undefined, reply: undefined };
}

const needs = { skip: process.platform === 'win32' };

test(
  'a frame that a program was asked about when it was killed is asked about again, and not lost',
  needs,
  async (t) => {
    const code = "if (isFirst) process.kill(process.pid, 'SIGKILL'); else answer(text);";
    const { ask, failed, program, clock, codes } = await open(t, code);
    const said = ask('a');
    await failed(1);
    assert.equal(program.error?.code, 'DECODER_UNAVAILABLE');
    clock.advance(3_000);
    assert.deepEqual(await said, saidOf('a'));
    assert.deepEqual([codes, program.error], [['DECODER_UNAVAILABLE'], undefined]);
  },
);

test('a frame that ends a working program three times is passed over, and others are answered', needs, async (t) => {
  const { ask, ready, failed, clock } = await open(t, "if (text === 'poison') process.exit(1); answer(text);");
  await ready(1);
  clock.advance(2_000);
  const poison = ask('poison');
  const other = ask('b', { address: '192.0.2.5' });
  await failed(1);
  clock.advance(0);
  await ready(2);
  assert.deepEqual(await other, saidOf('b'));
  clock.advance(3_000);
  await failed(2);
  clock.advance(100);
  await ready(3);
  clock.advance(6_000);
  const said = await poison;
  assert.ok(said instanceof ZocaloError);
  assert.deepEqual([said.code, /ended 3 times/.test(said.message)], ['FRAME_NOT_DECODED', true]);
});

test('a program that ends at its start loses no frame, however often it is started', needs, async (t) => {
  const { ask, failed, clock, mend, codes } = await open(t, 'answer(text);', 'process.exit(1);');
  const said = ask('a');
  for (let times = 1; times <= 5; times++) {
    await failed(times);
    if (times === 5) mend();
    clock.advance(15_000);
  }
  assert.deepEqual(await said, saidOf('a'));
  assert.equal(codes.length, 5);
});

test('a frame that is not answered in time three times is passed over; one behind it only waits', needs, async (t) => {
  const { ask, ready, asked, failed, ended, clock } = await open(
    t,
    "if (text === 'hang') appendFileSync(process.argv[1] + '.asked', 'x'); else answer(text);",
  );
  await ready(1);
  const hang = ask('hang');
  const other = ask('b', { address: '192.0.2.5' });
  for (const [times, pause] of [
    [1, 3_000],
    [2, 6_000],
  ] as const) {
    await asked(times);
    clock.advance(3_000);
    await failed(times);
    await ended(times);
    clock.advance(100);
    await ready(times + 1);
    if (times === 1) assert.deepEqual(await other, saidOf('b'));
    clock.advance(pause);
  }
  await asked(3);
  clock.advance(3_000);
  const said = await hang;
  assert.ok(said instanceof ZocaloError && /gave no answer in time/.test(said.message), `${said}`);
});

test('a program that says UNAVAILABLE is asked again later', needs, async (t) => {
  const { ask, failed, clock } = await open(
    t,
    `if (globalThis.asked) answer(text);
    else { globalThis.asked = true; say(['err', n, 'UNAVAILABLE', '']); }`,
  );
  const said = ask('a');
  await failed(1);
  clock.advance(3_000);
  assert.deepEqual(await said, saidOf('a'));
});

test('a line that is over waits for no program', needs, async (t) => {
  const { ask, failed, gone } = await open(t, '', 'process.exit(1);');
  const said = ask('a');
  await failed(1);
  gone.abort();
  await assert.rejects(said, { name: 'AbortError' });
});

const read = (answer: unknown) => readAnswer(typeof answer === 'string' ? answer : JSON.stringify(answer), partsOf);

test('data is passed on as the text that came, in several messages too', () => {
  const long = '{"n":12345678901234567890, "z" : 1.50}';
  const said = (answer: string) => (read(answer) as { said: Said }).said;
  assert.equal((said(`{"data": ${long}}`).data as JsonText).text, '{"n":12345678901234567890,"z":1.50}');
  const {
    messages = [],
    device,
    reply,
  } = said(
    `{"device": 7, "reply": {"hex": "06 07"}, "messages": [{"data": ${long}}, {"data": [], "channel": "a", "device": "b"}, {}]}`,
  );
  assert.deepEqual([device, Buffer.from(reply as Uint8Array).toString('hex')], ['7', '0607']);
  assert.deepEqual(
    messages.map(({ data, channel, device }) => [(data as JsonText | undefined)?.text, channel, device]),
    [
      ['{"n":12345678901234567890,"z":1.50}', undefined, undefined],
      ['[]', 'a', 'b'],
      [undefined, undefined, undefined],
    ],
  );
});

test('a refusal has the sentence of the program', () => {
  assert.deepEqual(read({ error: 'no frame' }), { kind: 'refused', reason: 'no frame' });
  assert.deepEqual(read({ deny: 'no frame', code: 'BAD_DATA' }), { kind: 'refused', reason: 'no frame' });
  assert.deepEqual(read({ error: 7 }), { kind: 'refused', reason: 'it gave no reason' });
});

for (const [answer, message] of [
  ['', /not JSON/],
  ['[]', /not an object/],
  ['"a"', /not an object/],
  [{ dato: 1 }, /"dato", which is none of data/],
  [{ data: 1, messages: [] }, /stand in each of messages/],
  [{ messages: {} }, /not a list/],
  [{ messages: [1] }, /not an object/],
  [{ messages: [{ reply: '' }] }, /"reply", which is none of/],
  [{ channel: '' }, /channel is neither/],
  [{ device: 1.5 }, /device is neither/],
  [{ reply: 7 }, /reply is neither/],
  [{ reply: { hex: 'zz' } }, /not hexadecimal/],
  [{ reply: '€' }, /not a byte/],
  [`{"data":${'['.repeat(200)}${']'.repeat(200)}}`, /nested more than/],
] as const)
  test(`an answer that means nothing is refused with what is wrong: ${JSON.stringify(answer).slice(0, 40)}`, () => {
    assert.throws(() => read(answer), { message });
  });

test(
  'several messages of one frame are stored in their order, then the device is answered, and its channel may be named',
  needs,
  async (t) => {
    const { file } = programOf(
      t,
      `if (text === 'nonsense') say(['ok', n, []]);
     else say(['ok', n, { device: 'd', reply: 'OK\\n', messages: [{ data: { n: 1 } }, { data: { n: 2 }, channel: 'door:else' }, { data: { n: 3 } }] }]);`,
    );
    const doors = { ...DOORS, decode: { program: [process.execPath, file] }, device: undefined, reply: undefined };
    const { reply: _, device: __, ...rest } = doors;
    const { device, stored, log } = await place(t, { channels: { 'door:*': {} }, sources: { doors: rest } });
    const { socket, lines } = await device();
    socket.write('nonsense\nthree\n');
    assert.equal((await lines.next()).value, 'OK');
    assert.deepEqual(await stored('door:d'), [{ n: 1 }, { n: 3 }]);
    assert.deepEqual(await stored('door:else'), [{ n: 2 }]);
    await until(() => log.lines.some(({ sentence }) => sentence === 'trouble with a device'), 'the log told');
    const { fields } = log.lines.find(({ sentence }) => sentence === 'trouble with a device')!;
    assert.match((fields.err as Error).message, /answered what means nothing: the answer is not an object/);
  },
);

test('a program that does not exist is reported, and holds up no other source', async (t) => {
  const doors = { ...DOORS, decode: { program: 'zocalo-has-no-such-program' } };
  const { device, stored, log, url } = await place(t, {
    drain: { deadline: '2s' },
    channels: { 'door:*': {} },
    sources: { doors, more: DOORS },
  });
  const [first, second] = [await device(), await device('more')];
  first.socket.write('{"id":"a","n":1}\n');
  second.socket.write('{"id":"b","n":2}\n');
  assert.equal((await second.lines.next()).value, 'OK 2');
  const codes = () => log.lines.map(({ fields }) => (fields.err as { code?: string } | undefined)?.code);
  await until(() => codes().includes('DECODER_UNAVAILABLE'), 'the log told');
  assert.ok(codes().includes('PROGRAM_NOT_FOUND'));
  const { sources } = (await (await fetch(`${url}/health`)).json()) as { sources: Record<string, object> };
  assert.deepEqual(sources, {
    doors: { ok: false, error: 'DECODER_UNAVAILABLE', connections: 1, waiting: 0 },
    more: { ok: true, connections: 1, waiting: 0 },
  });
  assert.deepEqual(await stored('door:a'), []);
});
