import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { configSchema } from '../../src/server/config/index.ts';
import { encodeRecord, RecordReader, TYPE } from '../../src/server/handlers/carriers/fastcgi/records.ts';
import { type Carrier, type CarrierParts, carrierOf } from '../../src/server/handlers/carriers/index.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { newApplication } from './handler-application.ts';

const WORKER = join(import.meta.dirname, 'handler-application.ts');

/** A kind of carrier: where its application runs, and where none does. */
export interface Kind {
  readonly name: string;
  /** The keys of a handler whose application does what `Wish` says. */
  start(t: TestContext): Promise<object>;
  /** The keys of a handler whose application is not there. */
  down(t: TestContext): Promise<object>;
}

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function serveHttp(t: TestContext): Promise<string> {
  const application = newApplication();
  const handle: RequestListener = async (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    for await (const chunk of request) body += chunk;
    const said = await application(body);
    if (said !== undefined) response.end(said);
  };
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A FastCGI server in this process. */
async function serveFastcgi(t: TestContext, where: { path: string } | { port: number; host: string }): Promise<number> {
  const application = newApplication();
  const server = createSocketServer((socket) => {
    const reader = new RecordReader();
    const body: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const { type, content } of reader.read(bytes)) {
        if (type !== TYPE.STDIN) continue;
        body.push(content);
        if (content.length === 0) void answer(Buffer.concat(body).toString());
      }
    });
    const answer = async (text: string) => {
      const said = await application(text);
      if (said === undefined) return;
      const output = Buffer.from(`Content-type: application/json\r\n\r\n${said}`);
      for (let at = 0; at < output.length; at += 65_535)
        socket.write(encodeRecord(TYPE.STDOUT, output.subarray(at, at + 65_535)));
      socket.end(encodeRecord(TYPE.END, Buffer.alloc(8)));
    };
  }).listen(where);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

export const KINDS: readonly Kind[] = [
  {
    name: 'http',
    start: async (t) => ({ url: await serveHttp(t) }),
    down: async () => ({ url: `http://127.0.0.1:${await freePort()}/` }),
  },
  {
    name: 'fastcgi',
    start: async (t) => ({ url: `fcgi://127.0.0.1:${await serveFastcgi(t, { host: '127.0.0.1', port: 0 })}/a.php` }),
    down: async () => ({ url: `fcgi://127.0.0.1:${await freePort()}/a.php` }),
  },
  {
    name: 'fastcgi over a Unix socket',
    start: async (t) => {
      const path = join(temporaryFolder(t), 'fpm.sock');
      await serveFastcgi(t, { path });
      return { url: `fcgi+unix:${path}:/a.php` };
    },
    down: async (t) => ({ url: `fcgi+unix:${join(temporaryFolder(t), 'fpm.sock')}:/a.php` }),
  },
  {
    name: 'workers',
    start: async () => ({ run: [process.execPath, WORKER], workers: 2 }),
    down: async () => ({ run: ['no-such-program-anywhere'] }),
  },
];

/** A carrier with the real clock, that is closed when the test is over, and what it logs. */
export function openCarrier(
  t: TestContext,
  keys: object,
  onCommand: CarrierParts['onCommand'] = async () => '{}',
): { carrier: Carrier; log: MemoryLog } {
  const log = new MemoryLog();
  const { handlers } = configSchema.parse({ handlers: { shop: { events: ['call'], methods: '*', ...keys } } });
  const carrier = carrierOf(handlers.shop!, {
    name: 'shop',
    clock: systemClock,
    now: Date.now,
    log,
    onStderr: (text) => log.warn({ text }, 'a handler wrote to its error log'),
    onCommand,
  });
  t.after(() => carrier.close(0));
  carrier.open?.();
  return { carrier, log };
}
