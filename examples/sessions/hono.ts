/** The same with Hono, whose session is a signed cookie: `npm install hono @hono/node-server`. */
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { serve as serveApp } from '@hono/node-server';
import { Hono } from 'hono';
import { getSignedCookie, setSignedCookie } from 'hono/cookie';
import { parseSigned } from 'hono/utils/cookie';
import { Hub, memory, serve } from 'zocalo';

const SECRET = 'change-me';
const sessions = new Map<string, { user: string }>(); // yours: Redis, a table

const app = new Hono();
app.post('/login', async (c) => {
  const id = randomUUID();
  sessions.set(id, { user: (await c.req.json()).user }); // check a password first
  await setSignedCookie(c, 'session', id, SECRET, { httpOnly: true, sameSite: 'Lax' });
  return c.body(null, 204);
});
app.get('/', async (c) => {
  const id = await getSignedCookie(c, SECRET, 'session');
  return c.text(`You are ${(id && sessions.get(id)?.user) || 'nobody'}`);
});

const hub = new Hub({
  broker: memory(),
  connect: async ({ request }) => {
    const { session } = await parseSigned(request?.headers.cookie ?? '', SECRET, 'session');
    const found = session && sessions.get(session);
    return found ? { user: found.user } : null;
  },
});
hub.method('whoami', (_, { user }) => user);

const http = serveApp(
  { fetch: app.fetch, port: Number(process.env.PORT ?? 9000), hostname: 'localhost' },
  ({ port }) => {
    console.log('Open', `http://localhost:${port}/`);
  },
);
await serve(hub, { server: http as Server });
