/** Pages and WebSockets on the port of an existing HTTP server: Express, Fastify, or Node's own. */
import { createServer } from 'node:http';
import { type User, WebSocketServer } from 'zocalo';

const PAGE = `<!doctype html>
<meta charset="utf-8"><title>The time</title>
<p id="time">…</p>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'time');
  socket.onmessage = ({ data }) => { document.getElementById('time').textContent = data; };
</script>`;

class TimeServer extends WebSocketServer {
  override onConnect(user: User) {
    user.send(new Date().toISOString());
  }
  override onTick() {
    this.broadcast(new Date().toISOString());
  }
}

const http = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(PAGE);
});
const time = new TimeServer({ server: http, path: '/time' });
await time.listen();

http.listen(Number(process.env.PORT ?? 9000), 'localhost', () => {
  console.log('Open', `http://localhost:${(http.address() as { port: number }).port}/`);
});
process.once('SIGINT', stop).once('SIGTERM', stop);

async function stop() {
  http.close();
  await time.close();
}
