/**
 * Channels with history: what is published to chat:… is kept in a file, and clients that were away get what they
 * missed. Clients use the protocol `zocalo.1` (docs/protocol.md). Without it: zocalo connect
 * ws://localhost:9000/chat:42
 */
import { Hub, ProtocolError, serve, sqlite } from 'zocalo';

const hub = new Hub({
  broker: sqlite(process.env.FILE ?? 'square.db'),
  // In your application: look the token up. Here the client's name is trusted.
  connect: ({ token }) => (token ? { user: token } : {}),
  channels: {
    'chat:*': { history: { size: 1000, ttl: '7d' }, presence: true, rate: 20 },
    news: { publish: false }, // only the server, below
  },
});

hub.method('rename', (data, { user }) => {
  if (!user) throw new ProtocolError('FORBIDDEN', 'say who you are first');
  hub.user(user).send({ renamed: data });
  return true;
});

const server = await serve(hub, `ws://localhost:${process.env.PORT ?? 9000}`);
console.log(`Zócalo is open at ${server.addresses.join(' and ')}`);
await hub.publish('news', { text: 'The square is open' });

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await server.close({ grace: 1000 });
    await hub.close();
  });
