/** A contract for the rooms: it types the server and the client, and the server checks data against it. */
import { contract, Hub, memory, serve } from 'zocalo';
import { Client } from 'zocalo/client';
import { z } from 'zod';

const agreed = contract({
  channels: { 'chat:*': z.object({ text: z.string().trim().min(1).max(2_000) }) },
  methods: { rename: { data: z.object({ name: z.string().min(1) }), result: z.boolean() } },
});

const hub = new Hub({ broker: memory(), contract: agreed });
hub.method('rename', ({ name }) => name !== 'admin');
const server = await serve(hub, `ws://localhost:${process.env.PORT ?? 9000}`);

const client = new Client<typeof agreed>(server.addresses[0]!);
const chat = client.subscribe('chat:42');
chat.on('message', ({ data }) => console.log(`stored: "${data.text}"`));
await chat.publish({ text: '  hola ' });
console.log('renamed:', await client.call('rename', { name: 'Ana' }));

const unchecked = new Client(server.addresses[0]!); // other programs do not have our types
await unchecked.publish('chat:42', { text: 42 }).catch(({ code, message }) => console.log(`${code}: ${message}`));

for (const each of [client, unchecked]) each.close();
await server.close();
await hub.close();
