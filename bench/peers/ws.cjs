// ws, as its README uses it; compression is off unless the workload asks for it.
const { WebSocketServer, WebSocket } = require('ws');
const { PORT, MODE, COMPRESSION } = process.env;

const server = new WebSocketServer({
  port: Number(PORT),
  host: '127.0.0.1',
  backlog: 1024,
  perMessageDeflate: COMPRESSION === '1',
});
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    if (MODE === 'echo') socket.send(data, { binary: isBinary });
    else
      for (const client of server.clients)
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
  });
});
server.on('listening', () => console.log(`ready ws://127.0.0.1:${PORT}`));
