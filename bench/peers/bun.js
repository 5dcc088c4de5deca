// Bun.serve with its own publish and subscribe.
const { PORT, MODE } = process.env;
const compress = process.env.COMPRESSION === '1';

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(PORT),
  fetch(request, server) {
    if (!server.upgrade(request)) return new Response('', { status: 426 });
  },
  websocket: {
    maxPayloadLength: 16 << 20,
    backpressureLimit: 64 << 20,
    perMessageDeflate: compress,
    open(socket) {
      if (MODE === 'fanout') socket.subscribe('all');
    },
    message(socket, data) {
      if (MODE === 'echo') socket.send(data, compress);
      else server.publish('all', data, compress);
    },
  },
});
console.log(`ready ws://127.0.0.1:${PORT}`);
