/** Whoever has logged in to an Express application is the same user in the hub: `npm install express express-session`. */
import { createServer } from 'node:http';
import express from 'express';
import session from 'express-session';
import { Hub, memory, serve } from 'zocalo';

declare module 'express-session' {
  interface SessionData {
    user: string;
  }
}

const sessions = session({
  secret: 'change-me',
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax' },
});

const app = express();
app.use(sessions, express.json());
app.post('/login', (request, response) => {
  request.session.user = request.body.user; // check a password first
  response.sendStatus(204);
});
app.get('/', (request, response) => void response.send(`You are ${request.session.user ?? 'nobody'}`));

const hub = new Hub({
  broker: memory(),
  connect: async ({ request }) => {
    // The middleware finds the session of the handshake, in whatever store you have.
    const visit = { ...request, originalUrl: '/', headers: request?.headers } as unknown as express.Request;
    await new Promise((resolve) => sessions(visit, {} as express.Response, resolve));
    return visit.session?.user ? { user: visit.session.user } : null;
  },
});
hub.method('whoami', (_, { user }) => user);

const http = createServer(app);
await serve(hub, { server: http });
http.listen(Number(process.env.PORT ?? 9000), 'localhost', () => {
  console.log('Open', `http://localhost:${(http.address() as { port: number }).port}/`);
});
