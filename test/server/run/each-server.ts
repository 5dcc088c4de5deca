import type { TestContext } from 'node:test';
import { type EachOptions, ProgramPerConnection } from '../../../src/server/run/index.ts';
import { connectWebSocket, type Message } from '../../../src/websocket/index.ts';
import { MemoryLog } from '../../support/memory-log.ts';

/** A server with a process for each connection, and clients of it. */
export async function startEach(t: TestContext, command: readonly string[], options: Partial<EachOptions> = {}) {
  const log = new MemoryLog();
  const server = new ProgramPerConnection({ command, version: '1.2.3', log, listen: 'ws://127.0.0.1:0', ...options });
  t.after(() => server.close({ grace: 0 }));
  await server.open();
  const url = server.addresses[0]!;
  const join = async (path = '/', headers: Record<string, string> = {}) => {
    const client = await connectWebSocket(url + path, { headers });
    t.after(() => client.terminate());
    return client;
  };
  return { server, log, url, join };
}

/** Everything that comes until the end. */
export async function all(client: AsyncIterable<Message>): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of client) messages.push(message);
  return messages;
}
