// Speaks with a daemon through zocalo-client, and is away for a moment.
import { Client } from 'zocalo-client';

const client = new Client(process.argv[2]!);
const chat = client.subscribe<string>('chat:42', { presence: true, member: { name: 'Ana' } });
const messages = chat[Symbol.asyncIterator]();
const next = async () => (await messages.next()).value;
const all = client.subscribe<string>('chat:*'); // loads a file of its own
await new Promise<void>((resolve) => all.on('state', (state) => state === 'live' && resolve()));
const byPattern = new Promise<string>((resolve) => all.on('message', ({ channel }) => resolve(channel)));

await chat.publish('hola');
const { data, mine } = (await next())!;
console.log('heard', data, mine, await byPattern);
console.log('history', (await chat.history()).messages.map((message) => message.data).join());
console.log('presence', (await client.presence('chat:42')).count);
await client.call('no-such-method').catch(({ code }) => console.log('refused', code));

console.log('cut me');
console.log('missed', (await next())!.data);
client.close();
console.log('closed');
