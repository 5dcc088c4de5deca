import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/stream/index.ts';
import { Program } from '../support/cli.ts';

const example = (name: string, ...args: string[]) =>
  new Program(process.execPath, [fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), ...args]);

test('examples/echo.ts sends back what it gets', async () => {
  const program = example('echo.ts', 'tcp://127.0.0.1:0');
  const [, address] = await program.says(/echo on (\S+)\n/);
  const socket = await connect(address!);
  socket.end('Hola que tal');
  assert.equal(await socket.text(), 'Hola que tal');
  assert.equal(await program.stop('SIGINT'), 0);
});

test('examples/http-get.ts prints the page of a real HTTP server, and its headers separately', async () => {
  const http = createServer((request, response) => response.end(`for ${request.url}\n\nof ${request.headers.host}`));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const program = example('http-get.ts', `http://127.0.0.1:${port}/plaza?day=1`);
  assert.equal(await program.exited, 0);
  assert.match(program.stderr, /^HTTP\/1\.1 200 OK\n/);
  assert.equal(program.stdout, `for /plaza?day=1\n\nof 127.0.0.1:${port}`);
  http.close();
});
