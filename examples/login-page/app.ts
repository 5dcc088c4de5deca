/** An application with its own login, whose page talks to the daemon: docs/login.md */
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

const { DAEMON = 'http://localhost:9000', PORT = '3000', SECONDS = '300' } = process.env;
const { SECRET = 'change-me-to-32-characters-or-more', KEY = 'change-me-too-to-32-characters-or-more' } = process.env;
const sessions = new Map<string, string>(); // in your application: the sessions that it has

function tokenOf(user: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const claims = { sub: user, can: ['sub:chat:*', 'pub:chat:*'], iat, exp: iat + Number(SECONDS) };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

async function logOut(user: string): Promise<void> {
  for (const [id, name] of sessions) if (name === user) sessions.delete(id);
  // Ends the connections of all of the user's pages, and refuses the tokens that they have.
  const url = `${DAEMON}/api/users/${encodeURIComponent(user)}/revoke`;
  await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${KEY}` } });
}

const http = createServer(async (request, response) => {
  const end = (status: number, body: string | Buffer = '') => response.writeHead(status).end(body);
  const id = /(?:^|; )session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  const user = sessions.get(id);
  switch (`${request.method} ${request.url}`) {
    case 'GET /':
      response.setHeader('content-type', 'text/html; charset=utf-8');
      return end(200, await readFile(new URL('index.html', import.meta.url)));
    case 'POST /login': {
      const { name } = (await json(request)) as { name: string }; // check a password first
      const session = randomUUID();
      sessions.set(session, name);
      response.setHeader('set-cookie', `session=${session}; HttpOnly; SameSite=Lax; Path=/`);
      return end(204);
    }
    case 'POST /token':
      return user ? end(200, tokenOf(user)) : end(401);
    case 'POST /logout':
      if (user) await logOut(user);
      return end(204);
    default:
      return end(404);
  }
});
http.listen(Number(PORT), 'localhost', () => {
  console.log('Open', `http://localhost:${(http.address() as { port: number }).port}/`);
});
