// Socket.IO with an adapter of Redis, as the adapters' documentation shows them: WebSocket only, otherwise defaults.
const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { createClient } = require('redis');
const { PORT, REDIS, ADAPTER } = process.env;

(async () => {
  const client = createClient({ url: REDIS });
  await client.connect();
  let adapter;
  if (ADAPTER === 'streams') adapter = require('@socket.io/redis-streams-adapter').createAdapter(client);
  else {
    const subscriber = client.duplicate();
    await subscriber.connect();
    adapter = require('@socket.io/redis-adapter').createAdapter(client, subscriber);
  }
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'], adapter });
  io.on('connection', (socket) => {
    socket.join('room');
    socket.on('message', (text) => io.to('room').emit('message', text));
  });
  http.listen({ port: Number(PORT), host: '127.0.0.1', backlog: 1024 }, () =>
    console.log(`ready ws://127.0.0.1:${PORT}`),
  );
})();
