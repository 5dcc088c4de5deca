import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test as plainTest, type TestContext } from 'node:test';
import { missing } from '../../support/need.ts';
import { until } from '../../support/until.ts';
import { PhpRoom, phpProgram, phpText, Visitor } from './php-program.ts';

const test = (name: string, body: (t: TestContext) => Promise<void>) => plainTest(name, { skip: missing('php') }, body);

const CHAT = `
  protected function process($user, $message) {
    foreach ($this->users as $other) $this->send($other, $user->socket . ': ' . $message);
  }
  protected function connected($user) { $this->send($user, 'connected ' . count($this->users)); }
  protected function closed($user) { foreach ($this->users as $other) $this->send($other, $user->socket . ' left'); }`;

test('two clients talk through a PHP class, and one learns that the other leaves', async (t) => {
  const room = await PhpRoom.open(t, phpProgram(t, CHAT));
  const ana = await Visitor.connect(t, room.url);
  await ana.messages(1);
  const bea = await Visitor.connect(t, room.url);
  await bea.messages(1);
  ana.send('¿qué tal? "bien" \u2028 \u0000 🙂');
  bea.send('');
  bea.send('x'.repeat(300_000));
  const said = ['1: ¿qué tal? "bien" \u2028 \u0000 🙂', '2: ', `2: ${'x'.repeat(300_000)}`];
  assert.deepEqual(new Set((await ana.messages(4)).slice(1)), new Set(said));
  assert.deepEqual(await bea.messages(4), ['connected 2', ...bea.got.slice(1)]);
  bea.socket.close();
  assert.equal((await ana.messages(5))[4], '2 left');
});

test('a user has the members that programs of the library read', async (t) => {
  const methods = `protected function process($user, $message) {
    $user->note = 'a property of the program';
    $this->send($user, json_encode([
      'id' => $this->users[$user->id] === $user && is_string($user->id) && strlen($user->id) === 14,
      'get' => $user->headers['get'], 'host' => $user->headers['host'], 'resource' => $user->requestedResource,
      'handshake' => (bool) $user->handshake, 'address' => $user->address, 'note' => $user->note,
      'by socket' => $this->getUserBySocket($user->socket) === $user,
      'class' => get_class($user),
    ]));
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, `${room.url}/chat?room=1`);
  ana.send('who am I');
  assert.deepEqual(JSON.parse(String((await ana.messages(1))[0])), {
    id: true,
    get: '/chat?room=1',
    host: new URL(room.url).host,
    resource: '/chat?room=1',
    handshake: true,
    address: '127.0.0.1',
    note: 'a property of the program',
    'by socket': true,
    class: 'WebSocketUser',
  });
  assert.deepEqual(room.log, []);
});

test('kill -9 of the program: nobody is disconnected, nothing is lost, nothing comes twice, users are whole', async (t) => {
  const methods = `
  protected function process($user, $message) {
    foreach ($this->users as $other) $this->send($other, count($this->users) . ' ' . $user->id . ' ' . $message);
  }
  protected function connected($user) { $this->send($user, 'connected'); }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url);
  const bea = await Visitor.connect(t, room.url);
  await Promise.all([ana.messages(1), bea.messages(1)]);
  const COUNT = 600;
  const talk = async () => {
    for (let i = 0; i < COUNT; i++) {
      (i % 2 ? ana : bea).send(String(i));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const kills = async () => {
    for (let i = 0; i < 3; i++) await room.kill();
  };
  await Promise.all([talk(), kills()]);
  for (const visitor of [ana, bea]) {
    const [first, ...rest] = await visitor.messages(COUNT + 1);
    assert.equal(first, 'connected');
    const said = rest.map((text) => String(text).split(' '));
    assert.ok(said.every(([users]) => users === '2'));
    assert.equal(new Set(said.map(([, id]) => id)).size, 2);
    const numbers = said.map(([, , number]) => Number(number));
    for (const parity of [0, 1])
      assert.deepEqual(
        numbers.filter((number) => number % 2 === parity),
        Array.from({ length: COUNT / 2 }, (_, i) => 2 * i + parity),
      );
    assert.equal(visitor.closed, undefined);
  }
  const ends = room.log.filter(({ sentence }) => /ended/.test(sentence));
  assert.deepEqual(
    ends.map(({ level, signal }) => [level, signal]),
    Array.from({ length: 3 }, () => ['error', 'SIGKILL']),
  );
});

test('an event that fails takes nothing with it that was handled before, and is dropped in the end', async (t) => {
  const methods = `
  protected function process($user, $message) {
    $this->send($user, "got $message");
    if ($message === 'poison') throw new RuntimeException('I cannot');
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url);
  for (const message of ['one', 'poison', 'two']) ana.send(message);
  assert.deepEqual(await ana.messages(2), ['got one', 'got two']);
  const dropped = room.log.filter(({ sentence }) => /was dropped/.test(sentence));
  assert.deepEqual([dropped.length, dropped[0]!.event, dropped[0]!.connection], [1, 'message', 1]);
  const end = await room.logs(/^a program ended/);
  assert.equal(end.level, 'error');
  assert.match(String(end.lastLines), /RuntimeException in process\(\): I cannot \(.*room\.php:\d+\)/);
});

test('a program that catches its exception itself, and ends, is started again', async (t) => {
  const methods = `protected function process($user, $message) {
    if ($message === 'throw' && !file_exists(__FILE__ . '.once')) { touch(__FILE__ . '.once'); throw new Exception('caught'); }
    $this->send($user, $message);
  }`;
  const run = 'try { $room->run(); } catch (Exception $e) { $room->stdout($e->getMessage()); }';
  const room = await PhpRoom.open(t, phpProgram(t, methods, { run }));
  const ana = await Visitor.connect(t, room.url);
  ana.send('throw');
  ana.send('on');
  assert.deepEqual(await ana.messages(2), ['throw', 'on']);
  const end = await room.logs(/a program ended/);
  assert.deepEqual([end.exitCode, end.signal], [0, null]);
  assert.ok((end.lastLines as string[]).includes('caught'));
});

test('a fatal error, and exit, count like any other end', async (t) => {
  const methods = `protected function process($user, $message) {
    if ($message !== 'plain' && !file_exists(__FILE__ . $message)) {
      touch(__FILE__ . $message);
      if ($message === 'exit') exit(3);
      if ($message === 'fatal') no_such_function();
      ini_set('memory_limit', '4M'); str_repeat('x', 100000000);
    }
    $this->send($user, $message);
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url);
  const said = ['plain', 'exit', 'plain', 'fatal', 'memory', 'plain'];
  for (const message of said) ana.send(message);
  assert.deepEqual(await ana.messages(said.length), said);
  assert.deepEqual(
    room.log.filter(({ sentence }) => /a program ended/.test(sentence)).map(({ exitCode }) => exitCode),
    [3, 255, 255],
  );
});

test('with --watch a saved file is used at once, and the room stays', async (t) => {
  const file = phpProgram(t, `protected function process($user, $message) { $this->send($user, 'old ' . $message); }`);
  const room = await PhpRoom.open(t, file, { watch: true });
  const ana = await Visitor.connect(t, room.url);
  ana.send('1');
  assert.deepEqual(await ana.messages(1), ['old 1']);
  writeFileSync(file, '<?php this is no PHP');
  await room.logs(/a program ended/);
  ana.send('2');
  writeFileSync(
    file,
    phpText(`protected function process($user, $message) { $this->send($user, 'new ' . $message); }`),
  );
  assert.deepEqual(await ana.messages(2), ['old 1', 'new 2']);
  assert.equal(ana.closed, undefined);
});

test('a PHP class with a check decides who may connect', async (t) => {
  const methods = `
  protected $headerSecWebSocketProtocolRequired = true;
  protected function checkHost($hostName) { return strpos($hostName, '127.0.0.1') === 0; }
  protected function checkWebsocProtocol($protocol) { return strpos($protocol, 'chat') !== false; }
  protected function processProtocol($protocol) { return "Sec-WebSocket-Protocol: chat\\r\\n"; }
  protected function connected($user) { $this->send($user, 'welcome'); }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url, ['chess', 'chat']);
  assert.deepEqual(await ana.messages(1), ['welcome']);
  assert.equal(ana.socket.protocol, 'chat');
  const bea = await Visitor.connect(t, room.url, ['chess']);
  assert.equal(bea.socket.readyState, WebSocket.CLOSED);
  const cai = await Visitor.connect(t, room.url);
  assert.equal(cai.socket.readyState, WebSocket.CLOSED);
  const refused = room.log.filter(({ sentence }) => /refused/.test(sentence));
  assert.deepEqual(
    refused.map(({ status }) => status),
    [400, 400],
  );
});

test('a program closes connections, unsets users, and sends what is not UTF-8 as binary', async (t) => {
  const methods = `
  protected function process($user, $message) {
    if ($message === 'out') { $this->send($user, 'bye'); $this->disconnect($user->socket); }
    if ($message === 'forget') { unset($this->users[$user->id]); $this->send($user, count($this->users)); }
    if ($message === 'bytes') { $this->send($user, 'before'); $this->send($user, "\\xff\\x00"); $this->send($user, 'after'); }
    if (strlen($message) === 3 && $message[0] === "\\x01") $this->send($user, bin2hex($message));
  }
  protected function closed($user) { foreach ($this->users as $other) $this->send($other, 'closed ' . $user->socket); }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url);
  const bea = await Visitor.connect(t, room.url);
  ana.send('bytes');
  ana.send(new Uint8Array([1, 255, 3]));
  const [before, bytes, after, hex] = await ana.messages(4);
  assert.deepEqual(
    [before, Buffer.from(bytes as ArrayBuffer), after, hex],
    ['before', Buffer.from([255, 0]), 'after', '01ff03'],
  );
  bea.send('out');
  assert.deepEqual(await bea.messages(1), ['bye']);
  await until(() => bea.closed !== undefined, 'the program closes the connection');
  assert.equal(bea.closed?.code, 1000);
  assert.deepEqual((await ana.messages(5))[4], 'closed 2');
  ana.send('forget');
  assert.deepEqual((await ana.messages(6))[5], '0');
  assert.deepEqual(room.log, []);
});

test('tick is called at least once a second, and may send', async (t) => {
  const methods = `protected function tick() { foreach ($this->users as $user) $this->send($user, (string) microtime(true)); }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url);
  const times = (await ana.messages(4)).map(Number);
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! - times[i - 1]! < 5, 'far more than a second apart');
});

test('a class of users of the program has its own constructor', async (t) => {
  const methods = `protected $userClass = 'Player';
  protected function process($user, $message) { $this->send($user, $user->score . get_class($user) . is_int($user->socket)); }`;
  const run = `class Player extends WebSocketUser { public $score; function __construct($id, $socket) { parent::__construct($id, $socket); $this->score = 7; } }
$room->run();`;
  const room = await PhpRoom.open(t, phpProgram(t, methods, { run }));
  const ana = await Visitor.connect(t, room.url);
  ana.send('score');
  assert.deepEqual(await ana.messages(1), ['7Player1']);
});

test('garbage on the channel is logged, and touches nobody', async (t) => {
  const methods = `protected function process($user, $message) {
    $channel = fopen('php://fd/4', 'w');
    fwrite($channel, "PHP Warning: this is no JSON\\n[\\"send\\",1]\\n[\\"done\\",7]\\n");
    $this->send($user, $message);
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  const ana = await Visitor.connect(t, room.url);
  ana.send('hello');
  assert.deepEqual(await ana.messages(1), ['hello']);
  assert.deepEqual(
    room.log.map(({ err }) => (err as { code: string }).code),
    ['PROGRAM_BAD_LINE', 'PROGRAM_BAD_LINE', 'PROGRAM_UNEXPECTED_ANSWER'],
  );
});

test('a message that takes too long ends the program, and only that message is lost', async (t) => {
  const methods = `protected function process($user, $message) {
    if ($message === 'endless') while (true) sleep(1);
    $this->send($user, $message);
  }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods), { timeout: 2_000 });
  const ana = await Visitor.connect(t, room.url);
  for (const message of ['one', 'endless', 'two']) ana.send(message);
  assert.deepEqual(await ana.messages(2), ['one', 'two']);
  assert.match((await room.logs(/was dropped/)).sentence, /did not handle it within 2 s/);
});

test('when everything ends the program handles that its clients are gone', async (t) => {
  const methods = `protected function closed($user) { $this->stdout('goodbye ' . $user->socket); }`;
  const room = await PhpRoom.open(t, phpProgram(t, methods));
  await Visitor.connect(t, room.url);
  await room.shared.close();
  assert.ok(room.log.some(({ sentence }) => sentence === 'goodbye 1'));
});

test('sending to null, a number or an unknown user reaches nobody else', async (t) => {
  const file = phpProgram(
    t,
    `protected function process($user, $message) {
      if ($message === 'null') $this->send($user, null);
      $this->send($this->users['gone'] ?? null, 'for nobody');
      $this->send($user, 42);
      $this->send($user, $message);
    }`,
  );
  const room = await PhpRoom.open(t, file);
  const [ana, bea] = [await Visitor.connect(t, room.url), await Visitor.connect(t, room.url)];
  ana.send('null');
  assert.deepEqual(await ana.messages(3), ['', '42', 'null']);
  bea.send('hello');
  assert.deepEqual(await bea.messages(2), ['42', 'hello']);
  assert.deepEqual(ana.got.length, 3);
  await room.logs(/socket" on null/);
});

test('what is sent in one event may be far more than a line can have', async (t) => {
  const file = phpProgram(
    t,
    `protected function process($user, $message) {
      for ($i = 0; $i < 3000; $i++) $this->send($user, $i . str_repeat('ñ', 5000));
      $this->send($user, 'end');
      if ($message === 'fail') throw new Exception('in vain');
    }`,
  );
  const room = await PhpRoom.open(t, file, { server: { queueLimit: 64 * 1024 * 1024 } });
  const ana = await Visitor.connect(t, room.url);
  ana.send('fail');
  await room.logs(/was dropped/);
  ana.send('go');
  const got = await ana.messages(3_001);
  assert.deepEqual(
    [got[0], got[2_999], got[3_000], got.length],
    [`0${'ñ'.repeat(5_000)}`, `2999${'ñ'.repeat(5_000)}`, 'end', 3_001],
  );
  assert.ok(room.log.every(({ err }) => (err as { code?: string } | undefined)?.code !== 'PROGRAM_LINE_TOO_LONG'));
});
