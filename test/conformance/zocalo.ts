import { connectWebSocket, type User, WebSocketServer } from '../../src/websocket/index.ts';
import { type ClientOptions, MAX_FRAGMENTS, MAX_MESSAGE, type Subject } from './under-test.ts';

class EchoServer extends WebSocketServer {
  override onConnect(user: User): void {
    const { pathname, searchParams } = new URL(user.request.url ?? '/', 'ws://127.0.0.1');
    if (pathname === '/close') user.close(Number(searchParams.get('code')), searchParams.get('reason') ?? '');
  }

  override onMessage(user: User, message: string | Uint8Array): void {
    user.send(message);
  }

  override onError(): void {}
}

/** Every message is compressed, however short, and may refer to the ones before. */
const COMPRESSION = { threshold: 0, contextTakeover: true };
const LIMITS = { maxMessage: MAX_MESSAGE, maxFragments: MAX_FRAGMENTS, queueLimit: 2 * MAX_MESSAGE };

export const subject: Subject = {
  name: 'zocalo',

  async serve() {
    const server = new EchoServer('ws://127.0.0.1:0', { ...LIMITS, protocols: ['echo.1'], compression: COMPRESSION });
    await server.listen();
    return { port: Number(new URL(server.addresses[0]!).port), stop: () => server.close({ grace: 0 }) };
  },

  async connect(url, { closeWith, protocols = [], compression = 'takeover' }: ClientOptions) {
    const contextTakeover = compression === 'takeover';
    const client = await connectWebSocket(url, {
      ...LIMITS,
      protocols,
      compression: compression !== 'none' && { ...COMPRESSION, contextTakeover },
    });
    if (closeWith) client.close(...closeWith);
    for await (const message of client) client.send(message);
    await client.closed;
  },
};
