// Socket.IO, as its documentation shows rooms: WebSocket only, and otherwise its defaults.
const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { PORT } = process.env;

const http = createServer();
const io = new Server(http, { transports: ['websocket'] });
io.on('connection', (socket) => {
  socket.join('room');
  socket.on('message', (text) => io.to('room').emit('message', text));
});
http.listen({ port: Number(PORT), host: '127.0.0.1', backlog: 1024 }, () =>
  console.log(`ready ws://127.0.0.1:${PORT}`),
);
