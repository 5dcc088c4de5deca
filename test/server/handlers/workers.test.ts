import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NO_HEADERS } from '../../../src/server/handlers/event.ts';
import { openCarrier } from '../../contract/carriers.ts';
import { startDaemon } from '../../support/daemon.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

/** PHP that has the channel's ends in $events and $answers. */
const HEAD = `<?php
[$in, $out] = explode(',', substr(getenv('ZOCALO_CHANNEL'), 3));
$events = fopen("php://fd/$in", 'r');
$answers = fopen("php://fd/$out", 'w');
`;

function phpFile(t: TestContext, code: string): string {
  const file = join(temporaryFolder(t), 'worker.php');
  writeFileSync(file, HEAD + code);
  return file;
}

/** A daemon with a worker for calls, and a client. */
async function start(t: TestContext, keys: object) {
  const started = await startDaemon(t, { handlers: { shop: { events: ['call'], methods: '*', ...keys } } });
  const codes = () => started.log.lines.map(({ fields }) => fields.code ?? (fields.err as { code?: string })?.code);
  return { ...started, codes, shop: started.client() };
}

const ECHO = `while (($line = fgets($events)) !== false) {
  [, $number, $event] = json_decode($line, true);
  MISCHIEF
  fwrite($answers, json_encode(['ok', $number, ['result' => $event['data']]]) . "\\n");
}`;

/** What a worker does wrong when it is told to: the code in the log, and what the client is told. */
const MISCHIEF: Readonly<Record<string, { code: string; does: string; client?: string; keys?: object }>> = {
  'prints garbage on its channel': {
    code: 'PROGRAM_BAD_LINE',
    does: 'fwrite($answers, "\\xff{garbage\\n[1]\\n{}\\n");',
  },
  'answers twice': {
    code: 'PROGRAM_UNEXPECTED_ANSWER',
    does: 'fwrite($answers, json_encode(["ok", $number, ["result" => $event["data"]]]) . "\\n");',
  },
  'answers an event that nobody sent': {
    code: 'PROGRAM_UNEXPECTED_ANSWER',
    does: 'fwrite($answers, "[\\"ok\\",999999,{}]\\n");',
  },
  'answers something else than it may': {
    code: 'HANDLER_BAD_ANSWER',
    does: 'fwrite($answers, "[\\"ok\\",$number,{}]\\n"); continue;',
    client: 'UNAVAILABLE',
  },
  'answers too much': {
    code: 'PROGRAM_LINE_TOO_LONG',
    does: 'fwrite($answers, str_repeat("x", 3000000)); sleep(60);',
    client: 'UNAVAILABLE',
  },
  'never answers': { code: 'PROGRAM_TIMEOUT', does: 'sleep(60);', client: 'UNAVAILABLE', keys: { timeout: '500ms' } },
  'dies of a fatal error': { code: 'PROGRAM_ENDED', does: 'undefined_function();', client: 'UNAVAILABLE' },
  'is killed': { code: 'PROGRAM_ENDED', does: 'posix_kill(getmypid(), SIGKILL);', client: 'UNAVAILABLE' },
  'leaves a process behind': {
    code: 'PROGRAM_ENDED',
    does: 'if (pcntl_fork() === 0) { while (true) sleep(1); } exit(3);',
    client: 'UNAVAILABLE',
  },
};

for (const [name, { code, does, client, keys }] of Object.entries(MISCHIEF))
  test(`a worker that ${name} is in the log, and affects only that event`, { skip: missing('php') }, async (t) => {
    const file = phpFile(t, ECHO.replace('MISCHIEF', `if ($event['data'] === 'now') { ${does} }`));
    const { shop, codes } = await start(t, { run: ['php', file], ...keys });
    assert.equal(await shop.call('order.place', 'before'), 'before');
    const [bad, ...behind] = [
      shop.call('order.place', 'now'),
      shop.call('order.place', 1),
      shop.call('order.place', 2),
    ];
    if (client) await assert.rejects(bad!, { code: client });
    else assert.equal(await bad, 'now');
    assert.deepEqual(await Promise.all(behind), [1, 2]);
    await until(() => codes().includes(code), `${code} in the log`);
  });

test('a worker that closes its channel and goes on is replaced', async (t) => {
  const file = join(temporaryFolder(t), 'worker.sh');
  const answer = `n=\${line#*,}; printf '["ok",%s,{"result":%d}]\\n' "\${n%%,*}" $$ >&4`;
  writeFileSync(
    file,
    `while IFS= read -r line <&3; do
  if [[ $line == *now* ]]; then exec 3<&- 4>&-; sleep 60; fi
  ${answer}
done`,
  );
  const { shop, codes } = await start(t, { run: ['bash', file], timeout: '10s' });
  const first = await shop.call('order.place', 1);
  await assert.rejects(shop.call('order.place', 'now'), { code: 'UNAVAILABLE' });
  assert.ok(codes().includes('PROGRAM_CLOSED_CHANNEL'), String(codes()));
  assert.notEqual(await shop.call('order.place', 2), first);
});

test('a worker that ends at once is tried again with pauses, and every event fails closed', async (t) => {
  const { shop, codes } = await start(t, { run: ['sh', '-c', 'exit 7'], timeout: '300ms' });
  await assert.rejects(shop.call('order.place', 1), { code: 'UNAVAILABLE' });
  await until(() => codes().filter((code) => code === 'PROGRAM_ENDED').length >= 3, 'it was started again');
});

test('a worker whose program is not there, or may not be started, fails closed at once', async (t) => {
  const file = join(temporaryFolder(t), 'worker');
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o644 });
  for (const [run, code] of [
    ['no-such-php worker.php', 'PROGRAM_NOT_FOUND'],
    [[file], 'PROGRAM_NOT_EXECUTABLE'],
  ] as const) {
    const { shop, codes } = await start(t, { run, timeout: '60s' });
    await assert.rejects(shop.call('order.place', 1), { code: 'UNAVAILABLE' });
    assert.ok(codes().includes(code), String(codes()));
  }
});

for (const run of ['no-such-program-here', 'false'])
  test(`before anything is asked, /health tells of a worker that does not run: ${run}`, async (t) => {
    const { url } = await start(t, { run, workers: 2 });
    const health = async () => ((await (await fetch(`${url}/health`)).json()) as { handlers: object }).handlers;
    let found: object = {};
    await until(async () => {
      found = await health();
      return JSON.stringify(found).includes('error');
    }, 'the handler is in trouble');
    assert.deepEqual(found, { shop: { ok: false, error: 'HANDLER_UNREACHABLE' } });
  });

test('what a worker prints is in the log, and its own publications and messages arrive', {
  skip: missing('php'),
}, async (t) => {
  const file = phpFile(
    t,
    `echo "hello from the shop\\n";
$waiting = [];
fwrite($answers, '["publish",1,"news",{"n":12345678901234567890},{"key":"k1"}]' . "\\n");
fwrite($answers, '["publish",2,"no channel",1]' . "\\n" . '["dance",3,1,2]' . "\\n" . '["send",4,"ana",1]' . "\\n");
$said = [];
while (($line = fgets($events)) !== false) {
  [$verb, $number, $event] = json_decode($line, true);
  if ($verb !== 'event') $said[$number] = $event;
  else $waiting[] = $number;
  if (count($said) === 4) foreach ($waiting as $at => $number) {
    fwrite($answers, json_encode(['ok', $number, ['result' => $said]]) . "\\n");
    unset($waiting[$at]);
  }
}`,
  );
  const { shop, log, daemon } = await start(t, { run: ['php', file] });
  const said = (await shop.call('order.place', 1)) as Record<number, unknown>;
  assert.equal((said[1] as { at: unknown[] }).at[1], 1);
  assert.deepEqual([said[2], said[3], said[4]], ['BAD_CHANNEL', 'UNKNOWN_VERB', { connections: 0 }]);
  assert.match((await daemon.hub.historyText('news')).text, /\[1,\{"n":12345678901234567890\},/);
  await until(() => log.lines.some(({ sentence }) => sentence === 'hello from the shop'), 'its line');
});

test('a worker publishes only what a client can read, and not to the channels of the daemon', {
  skip: missing('php'),
}, async (t) => {
  const deep = '['.repeat(64) + ']'.repeat(64);
  const commands: Readonly<Record<string, string>> = {
    '["publish",1,"zocalo:stats",{"sample":1}]': 'FORBIDDEN',
    [`["publish",1,"news",${deep}]`]: 'BAD_MESSAGE',
    [`["send",1,"ana",${deep}]`]: 'BAD_MESSAGE',
    '["publish",1,"elsewhere",1]': 'NOT_OFFERED',
    '["publish",1,"news",1,{"key":""}]': 'BAD_MESSAGE',
    [`["publish",1,"news",1,{"key":"${'k'.repeat(65)}"}]`]: 'BAD_MESSAGE',
    '["publish",1,"news",1,{"user":"a\\nb"}]': 'BAD_MESSAGE',
    '["publish",1,"news",1,{"keep":false}]': 'BAD_MESSAGE',
    '["publish",1,"news",1,7]': 'ok',
    '["publish",1,["news"],1]': 'BAD_CHANNEL',
    '["publish",1]': 'BAD_MESSAGE',
    '["send",1,7,1]': 'BAD_MESSAGE',
  };
  const file = phpFile(
    t,
    `while (($line = fgets($events)) !== false) {
  [, $number, $event] = json_decode($line, true);
  fwrite($answers, $event['data'] . "\\n");
  $said = json_decode(fgets($events), true);
  fwrite($answers, json_encode(['ok', $number, ['result' => $said[0] === 'ok' ? 'ok' : $said[2]]]) . "\\n");
}`,
  );
  const { client } = await startDaemon(t, {
    channels: { news: {} },
    handlers: { shop: { events: ['call'], methods: '*', run: ['php', file] } },
  });
  const shop = client();
  for (const [command, code] of Object.entries(commands))
    assert.equal(await shop.call('order.place', command), code, command);
});

test('a worker that publishes without end and reads no answer waits, and fills no memory', {
  skip: missing('php'),
}, async (t) => {
  const file = phpFile(
    t,
    `fgets($events);
while (true) fwrite($answers, '["publish",1,"news",1]' . "\\n");`,
  );
  let done = 0;
  const answer = JSON.stringify('x'.repeat(10_000));
  const { carrier } = openCarrier(t, { run: ['php', file], timeout: '3s' }, async () => {
    done++;
    return answer;
  });
  const event = { name: 'call', id: '1', connection: 'one', headers: NO_HEADERS, text: '{}' } as const;
  await assert.rejects(carrier.ask(event), { code: 'HANDLER_TIMEOUT' });
  assert.ok(done > 100 && done < 10_000, `${done} of its commands were done`);
});

test('a worker that prints garbage without end is in the log some times a minute', {
  skip: missing('php'),
}, async (t) => {
  const file = phpFile(
    t,
    `while (($line = fgets($events)) !== false) {
  [, $number] = json_decode($line, true);
  fwrite($answers, str_repeat("garbage\\n", 5000));
  fwrite($answers, json_encode(['ok', $number, ['result' => 1]]) . "\\n");
}`,
  );
  const { shop, codes } = await start(t, { run: ['php', file] });
  await shop.call('order.place', 1);
  assert.equal(codes().filter((code) => code === 'PROGRAM_BAD_LINE').length, 10);
});

test('two thousand calls through workers that are killed at random: none is lost, none is done twice, in order', {
  skip: missing('php'),
}, async (t) => {
  const seed = Date.now() % 100_000;
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const done = join(temporaryFolder(t), 'done');
  writeFileSync(done, '');
  // Answers by key: what is in the file was done, and is only answered again.
  const file = phpFile(
    t,
    `file_put_contents('${done}.pids', getmypid() . "\\n", FILE_APPEND);
$done = array_flip(file('${done}'));
while (($line = fgets($events)) !== false) {
  [, $number, $event] = json_decode($line, true);
  $key = $event['data'];
  if (!isset($done["$key\\n"])) file_put_contents('${done}', "$key\\n", FILE_APPEND);
  $done["$key\\n"] = true;
  fwrite($answers, json_encode(['ok', $number, ['result' => $key]]) . "\\n");
}`,
  );
  const { client } = await start(t, { run: ['php', file], workers: 5, timeout: '20s' });
  const CLIENTS = 10;
  const EACH = 200;
  let acknowledged = 0;
  const one = async (name: number) => {
    const caller = client();
    for (let n = 0; n < EACH; n++) {
      const key = `${name}-${n}`;
      for (;;) {
        try {
          assert.equal(await caller.call('order.place', key), key);
          break;
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'UNAVAILABLE');
        }
      }
      acknowledged++;
    }
  };
  /** Kills one of the processes that run; there may be none just now. */
  const killOne = (): boolean => {
    const pids = readFileSync(`${done}.pids`, 'utf8').trim().split('\n').slice(-8);
    for (let tries = 0; tries < 8; tries++)
      try {
        return process.kill(Number(pids[random(pids.length)]), 'SIGKILL');
      } catch {}
    return false;
  };
  const kill = async () => {
    for (let killed = 0; killed < 20; ) {
      const next = acknowledged + 10 + random(60);
      await until(() => acknowledged >= next || acknowledged === CLIENTS * EACH, 'some more are done');
      assert.ok(acknowledged < CLIENTS * EACH, `only ${killed} were killed`);
      await until(killOne, 'a process runs');
      killed++;
    }
    return 20;
  };
  const killing = kill();
  await Promise.all(Array.from({ length: CLIENTS }, (_, name) => one(name)));
  assert.equal(await killing, 20);
  const lines = readFileSync(done, 'utf8').trim().split('\n');
  assert.equal(lines.length, CLIENTS * EACH, 'each was done once');
  for (let name = 0; name < CLIENTS; name++)
    assert.deepEqual(
      lines.filter((line) => line.startsWith(`${name}-`)),
      Array.from({ length: EACH }, (_, n) => `${name}-${n}`),
    );
});
