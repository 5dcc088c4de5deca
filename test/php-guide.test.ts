import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { connect } from '../src/stream/index.ts';
import { connectWebSocket, WebSocketServer } from '../src/websocket/index.ts';
import { HubPeer } from './server/hub-peer.ts';
import { CLI, Program } from './support/cli.ts';
import type { ConfigInput } from './support/config.ts';
import { startDaemon } from './support/daemon.ts';
import { freePort } from './support/free-port.ts';
import { missing } from './support/need.ts';
import { startNginx } from './support/nginx.ts';
import { missingFpm, startFpm } from './support/php-fpm.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PORTS = ['1337', '9000', '9443'];

/** A reader of the guide: a folder with what they have saved, and the guide's ports replaced by free ones. */
class Reader {
  readonly folder: string;
  readonly #t: TestContext;
  readonly #text: string;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(t: TestContext, text: string, ports: ReadonlyMap<string, number>) {
    this.#t = t;
    this.#text = text;
    this.#ports = ports;
    this.folder = temporaryFolder(t);
    for (const name of ['php', 'examples']) symlinkSync(join(ROOT, name), join(this.folder, name));
  }

  static async of(t: TestContext, guide: string): Promise<Reader> {
    const ports = new Map<string, number>();
    for (const port of PORTS) ports.set(port, await freePort());
    return new Reader(t, readFileSync(join(ROOT, 'docs', guide), 'utf8'), ports);
  }

  port(written: string): number {
    return this.#ports.get(written)!;
  }

  get url(): string {
    return `ws://localhost:${this.port('9000')}`;
  }

  /** The first block of a language that has these words. */
  block(language: string, words: string): string {
    const all = this.#text.match(new RegExp(`^\`\`\`${language}\n.*?^\`\`\``, 'gms'))!;
    const found = all.find((block) => block.includes(words));
    assert.ok(found, `there is no ${language} with ${words}`);
    return this.#placed(found.slice(language.length + 4, -3));
  }

  get lines(): string[] {
    const blocks = this.#text.match(/^```sh\n.*?^```/gms)!;
    return blocks.flatMap((block) => block.split('\n').slice(1, -1));
  }

  /** The cells of each row of the table whose second column is this. */
  table(column: string): string[][] {
    const [, rows] = new RegExp(`^\\| PHP \\| ${column} \\|\n.*\n((?:\\|.*\n)+)`, 'm').exec(this.#text)!;
    return rows!
      .trim()
      .split('\n')
      .map((row) => row.split(' | '));
  }

  /** Saves a block under the name in its first line. */
  save(name: string, change = (code: string) => code): void {
    writeFileSync(join(this.folder, name), change(this.block('php', `<?php // ${name}\n`)));
  }

  /** Runs the guide's line that starts like this. */
  run(start: string, env: NodeJS.ProcessEnv = {}): Program {
    const line = this.lines.find((candidate) => candidate.startsWith(start));
    assert.ok(line, `there is no line ${start}`);
    const command = this.#placed(line).replace('npx zocalo', `'${process.execPath}' '${CLI}'`);
    const options = { cwd: this.folder, env: { ...process.env, ...env } };
    const program = new Program('sh', ['-c', command.replace(/^(\w+=\S+ )?/, '$1exec ')], options);
    this.#t.after(() => program.stop());
    return program;
  }

  /** A browser's socket, with what it got. */
  async visit(url = this.url) {
    const socket = new WebSocket(url);
    const got: string[] = [];
    socket.addEventListener('message', ({ data }) => got.push(data));
    this.#t.after(() => socket.close());
    await once(socket, 'open');
    const says = (what: RegExp) => until(() => got.some((text) => what.test(text)), `somebody gets ${what}: ${got}`);
    return { socket, got, says };
  }

  #placed(text: string): string {
    return text.replace(/\b(1337|9000|9443)\b/g, (port) => String(this.port(port)));
  }
}

const WELCOME = /2 of us|somos 2/;
const FAREWELL = /has left|se fue/;

for (const guide of ['php.md', 'php.es.md']) {
  const guided = (name: string, skip: string | false, body: (reader: Reader, t: TestContext) => Promise<void>) =>
    test(`docs/${guide}: ${name}`, { skip }, async (t) => body(await Reader.of(t, guide), t));

  guided('the loop lets two guests talk', missing('php'), async (reader, t) => {
    reader.save('loop.php');
    reader.run('php loop.php');
    const url = `tcp://127.0.0.1:${reader.port('1337')}`;
    const come = async () => {
      const socket = await connect(url).catch(() => undefined);
      if (socket) t.after(() => socket.destroy());
      return socket;
    };
    let ana = await come();
    while (!ana) ana = await come(); // until the loop listens
    const guest = reader.run('npx zocalo connect tcp:');
    // The guest may come after a greeting: it is said until the guest has it.
    await until(async () => {
      ana.write('hola\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return guest.stdout.includes('hola');
    }, 'the guest gets it');
    guest.child.stdin.write('que tal\n');
    for await (const line of ana.lines()) {
      assert.equal(line, 'que tal');
      break;
    }
  });

  guided('the class serves guests, in a browser and in a terminal', missing('php'), async (reader) => {
    reader.save('chat.php');
    const server = reader.run('npx zocalo run php');
    await server.says(/Zócalo is open/);
    const ana = await reader.visit();
    const guest = reader.run('npx zocalo connect ws:');
    await guest.says(WELCOME);
    guest.child.stdin.write('que tal\n');
    await ana.says(/^que tal$/);
    ana.socket.send('hola');
    await guest.says(/^hola$/m);
    guest.child.stdin.end();
    await ana.says(FAREWELL);
  });

  guided('a crash and an edit disconnect nobody', missing('php'), async (reader) => {
    const crash = reader.block('php', '/crash').trimEnd();
    const withCrash = (code: string) => code.replace(/function process.*/, `$&\n${crash}`);
    reader.save('chat.php', withCrash);
    const server = reader.run('npx zocalo run --watch');
    await server.says(/Zócalo is open/);
    const [ana, bea] = [await reader.visit(), await reader.visit()];
    await bea.says(WELCOME);
    bea.socket.send('/crash');
    bea.socket.send('que tal');
    await ana.says(/^que tal$/);
    const { message } = /Exception\('(?<message>.*?)'\)/.exec(crash)!.groups!;
    const log = reader.block('text', 'a program ended').trim().split('\n');
    assert.ok(log.at(-1)!.endsWith(message!));
    for (const sentence of log) assert.ok(server.stderr.includes(sentence), sentence);
    reader.save('chat.php', (code) => withCrash(code).replace(', $message);', ", 'edited: ' . $message);"));
    await until(async () => {
      bea.socket.send('y ahora');
      await new Promise((resolve) => setTimeout(resolve, 50));
      return ana.got.includes('edited: y ahora');
    }, 'the edited program answers');
    for (const { socket, got } of [ana, bea]) {
      assert.equal(socket.readyState, WebSocket.OPEN);
      assert.equal(got.filter((text) => FAREWELL.test(text)).length, 0);
    }
  });

  guided('wss with a certificate', missing('php', 'openssl'), async (reader) => {
    reader.save('chat.php');
    assert.equal(await reader.run('openssl').exited, 0);
    await reader.run('npx zocalo run --listen wss:').says(/Zócalo is open at wss:/);
    await reader.run('npx zocalo connect wss:').says(/1 of us|somos 1/);
  });

  guided('nginx in front', missing('php', 'nginx'), async (reader, t) => {
    const tellAddress = (start: string) => `${start} $this->send($user, $user->address);`;
    reader.save('chat.php', (code) =>
      code.replace("'localhost'", "'127.0.0.1'").replace(/function connected.*{/, tellAddress),
    );
    await reader.run('npx zocalo run --proxies').says(/Zócalo is open/);
    const location = reader.block('nginx', 'location');
    const { port } = await startNginx(t, ({ port }) => `server { listen 127.0.0.1:${port}; ${location} }`);
    const come = (origin: string) =>
      connectWebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { origin, 'x-forwarded-for': '203.0.113.7' } });
    const ana = await come(`http://127.0.0.1:${port}`);
    t.after(() => ana.terminate());
    const messages = ana[Symbol.asyncIterator]();
    assert.equal((await messages.next()).value, '203.0.113.7');
    assert.match(String((await messages.next()).value), /1 of us|somos 1/);
    await assert.rejects(come('https://elsewhere.example'), /403/);
  });

  guided('another script publishes, and the page gets it', missing('php'), async (reader, t) => {
    const init = reader.run('npx zocalo init');
    assert.equal(await init.exited, 0, init.stderr);
    const file = join(reader.folder, 'zocalo.config.yaml');
    const config = readFileSync(file, 'utf8');
    const listen = `http://localhost:${reader.port('9000')}`;
    writeFileSync(file, config.replace(/^listen: .*/m, `listen: ${listen}`));
    const [{ key }] = parse(config).api.keys;
    assert.ok(init.stdout.includes(key), 'init prints the key');
    await reader.run('npx zocalo serve').says(/Zócalo is open/);
    const published = reader.run('ZOCALO_KEY=', { ZOCALO_URL: listen });
    assert.equal(await published.exited, 0);
    assert.match(published.stdout, /UNAUTHORIZED/); // the dots are no key
    const publish = new Program('php', ['examples/php/publish.php'], {
      cwd: reader.folder,
      env: { ...process.env, ZOCALO_KEY: key, ZOCALO_URL: listen },
    });
    assert.equal(await publish.exited, 0);
    assert.match(publish.stdout, /"at"/);
    const page = reader.block('js', 'zocalo.js').replace(/http:\S+zocalo\.js/, join(ROOT, 'src/client/index.ts'));
    writeFileSync(join(reader.folder, 'page.mjs'), page);
    const program = new Program(process.execPath, [join(reader.folder, 'page.mjs')]);
    t.after(() => program.stop());
    await program.says(/^Hola$/m);
  });

  guided('php-fpm decides by the session', missing('php') || missingFpm(), async (reader, t) => {
    reader.save('realtime.php');
    const sessions = temporaryFolder(t);
    writeFileSync(join(sessions, 'sess_abc123'), 'user|s:3:"ana";');
    const { socket } = await startFpm(t, sessions);
    const yaml = reader
      .block('yaml', 'handlers:')
      .replace('/run/php/php-fpm.sock', socket)
      .replace('/var/www', reader.folder);
    const { url, log } = await startDaemon(t, parse(yaml) as ConfigInput);
    const come = async (cookie: string) => {
      const options = { protocols: ['zocalo.1'], headers: { cookie } };
      const client = await connectWebSocket(url.replace('http', 'ws'), options);
      t.after(() => client.terminate());
      const peer = new HubPeer(client);
      await peer.ask('hi', {});
      return peer;
    };
    const ana = await come('PHPSESSID=abc123');
    const stranger = await come('theme=dark');
    const { members } = await ana.ask('sub', 'room:1', { presence: true, member: { name: 'the president' } });
    assert.deepEqual(
      members.map(({ data }: { data: unknown }) => data),
      [{ name: 'ana' }],
    );
    assert.equal(await stranger.ask('sub', 'room:1', {}), 'FORBIDDEN');
    ana.say('pub', 77, 'room:1', { text: 'hola', from: 'the president' }, {});
    const [, , , data] = (await ana.until('m')) as unknown[];
    assert.deepEqual(data, { from: 'ana', text: 'hola' });
    assert.equal(await ana.ask('pub', 'room:1', { text: 'x'.repeat(501) }, {}), 'FORBIDDEN');
    assert.equal(await ana.ask('pub', 'room:1', { text: ['hola'] }, {}), 'FORBIDDEN');
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    );
  });

  guided('the class in TypeScript says what the one in PHP says', false, async (reader, t) => {
    symlinkSync(join(ROOT, 'node_modules'), join(reader.folder, 'node_modules'));
    writeFileSync(
      join(reader.folder, 'chat.ts'),
      reader.block('ts', 'WebSocketServer').replace("'zocalo'", `'${join(ROOT, 'src/index.ts')}'`),
    );
    const program = new Program(process.execPath, [join(reader.folder, 'chat.ts')]);
    t.after(() => program.stop());
    await program.says(/Listening/);
    const [ana, bea] = [await reader.visit(), await reader.visit()];
    await bea.says(WELCOME);
    ana.socket.send('hola');
    await bea.says(/^hola$/);
    ana.socket.close();
    await bea.says(FAREWELL);
  });

  guided('the table of names has names that exist', false, async (reader) => {
    const library = readFileSync(join(ROOT, 'php/websockets.php'), 'utf8');
    const rows = reader.table('TypeScript');
    assert.ok(rows.length > 15);
    for (const [php, ts] of rows) {
      for (const [, name] of php!.matchAll(/`(?:\$this->)?(\w+)\(/g))
        assert.ok(library.includes(`function ${name}(`), name);
      for (const [, name] of php!.matchAll(/\$user->(\w+)/g)) assert.ok(library.includes(`public $${name}`), name);
      for (const [, name] of ts!.matchAll(/`(on\w+)\(/g)) assert.ok(name! in WebSocketServer.prototype, name);
    }
  });

  guided('these tests run every line of its commands', false, async (reader) => {
    const source = readFileSync(import.meta.filename, 'utf8');
    const starts = [...source.matchAll(/reader\.run\('([^']+)'/g)].map(([, start]) => start!);
    for (const line of reader.lines)
      assert.ok(
        starts.some((start) => line.startsWith(start)),
        line,
      );
  });
}
