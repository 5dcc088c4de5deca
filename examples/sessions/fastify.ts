/** The same with Fastify: `npm install fastify @fastify/cookie @fastify/session`. */
import cookie from '@fastify/cookie';
import session from '@fastify/session';
import Fastify, { type FastifyRequest } from 'fastify';
import { Hub, memory, serve } from 'zocalo';

declare module 'fastify' {
  interface Session {
    user?: string;
  }
}

const app = Fastify();
await app.register(cookie);
await app.register(session, {
  secret: 'change-me-to-32-characters-of-your-own',
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax', secure: false }, // `secure: true` with HTTPS
});
app.post<{ Body: { user: string } }>('/login', async (request, reply) => {
  request.session.user = request.body.user; // check a password first
  return reply.code(204).send();
});
app.get('/', async (request) => `You are ${request.session.user ?? 'nobody'}`);

const hub = new Hub({
  broker: memory(),
  connect: async ({ request }) => {
    const id = request?.cookies.sessionId;
    if (!id) return null;
    const visit = {} as FastifyRequest;
    await new Promise<unknown>((resolve) => app.decryptSession(id, visit, resolve));
    return visit.session?.user ? { user: visit.session.user } : null;
  },
});
hub.method('whoami', (_, { user }) => user);

await app.ready();
await serve(hub, { server: app.server });
await app.listen({ port: Number(process.env.PORT ?? 9000), host: 'localhost' });
console.log('Open', `http://localhost:${(app.server.address() as { port: number }).port}/`);
