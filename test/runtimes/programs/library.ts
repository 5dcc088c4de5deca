// What a program does with zocalo as a library: sockets, WebSockets, and a hub, whose log is in memory and in SQLite.
import { type Broker, Hub, memory, serve, sqlite, type User, WebSocketServer } from 'zocalo';
import { Client } from 'zocalo/client';
import { connect, listen } from 'zocalo/stream';
import { connectWebSocket } from 'zocalo/websocket';

const server = await listen('tcp://localhost:0');
const [guest, host] = [await connect(server.addresses[0]!), await server.accept({ timeout: 10_000 })];
guest.end('hola\nque tal\n');
for await (const line of host.lines()) host.write(`${line}! `);
host.end();
console.log('stream', server.addresses.length, await guest.text());
await server.close();
await connect('tcp://127.0.0.1:1').catch(({ code }) => console.log('stream', code));

class Room extends WebSocketServer {
  override onConnect(user: User) {
    user.send(`You are ${this.users.size}`);
  }
  override onMessage(_: User, message: string | Uint8Array) {
    for (const user of this.users) user.send(message);
  }
}
const room = new Room('ws://localhost:0', { compression: true });
await room.listen();
const ana = await connectWebSocket(room.addresses[0]!, { compression: true });
const heard = ana[Symbol.asyncIterator]();
const welcome = (await heard.next()).value;
ana.send('hola '.repeat(10_000));
console.log('websocket', welcome, String((await heard.next()).value).length);
const luis = new WebSocket(room.addresses[0]!); // the platform's own
console.log('websocket', await new Promise((resolve) => luis.addEventListener('message', ({ data }) => resolve(data))));
await room.close();

async function talk(name: string, broker: Broker): Promise<void> {
  const hub = new Hub({ broker, channels: { 'chat:*': { history: { size: 10 }, presence: true } } });
  hub.method('double', (data) => 2 * (data as number));
  const server = await serve(hub, 'ws://localhost:0');
  const client = new Client(server.addresses[0]!);
  const chat = client.subscribe<string>('chat:42', { recent: 5, presence: true, member: { name: 'Ana' } });
  await hub.publish('chat:42', 'hola');
  for await (const { data } of chat) {
    console.log(name, data, await client.call('double', 21), (await client.presence('chat:42')).count);
    break;
  }
  client.close();
  await server.close();
  await hub.close();
}
await talk('memory', memory());
await talk('sqlite', sqlite(process.argv[2]!));
console.log('closed');
