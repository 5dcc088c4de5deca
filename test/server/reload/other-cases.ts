import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { signatureOf } from '../../../src/server/webhooks/index.ts';
import { API_KEY } from '../../support/config.ts';
import { application } from '../auth/auth-fixture.ts';
import { HubPeer } from '../hub-peer.ts';
import type { Case, Cases, Place } from './place.ts';
import { filesOf, issue } from './tls-files.ts';

const SECRET = 's'.repeat(40);
const ADMIN = 'a'.repeat(40);
const told = (more: object) => ({ webhooks: [{ secret: SECRET, debounce: 0, ...more }] });
const key = { api: { keys: [{ name: 'app', key: API_KEY }] } };

/** What the API, the webhooks, the certificates, the drain and the log take from a reload. */
export const OTHER_CASES: Cases = {
  'api.keys.[].name': {
    base: { api: { keys: [{ key: ADMIN, can: ['admin'] }] } },
    values: ['one', 'two'],
    sees: ['admin one', 'admin two'],
    look: async (place) => {
      const { token } = (await (await place.ask('/admin/session', { key: ADMIN, body: '' })).json()) as {
        token: string;
      };
      return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).sub;
    },
  },
  'api.keys.[].key': {
    base: { api: { keys: [{ name: 'app', can: ['read'] }] } },
    values: [API_KEY, ADMIN],
    sees: [200, 401],
    look: (place) => place.status('/api/users'),
  },
  'api.keys.[].can': {
    base: key,
    values: [['publish'], ['read']],
    sees: [403, 200],
    look: (place) => place.status('/api/users'),
  },
  'api.keys.[].channels': {
    base: key,
    values: [['*'], ['other']],
    sees: [200, 403],
    look: (place) => place.status('/api/publish', { body: '{"channel":"c:1","data":1}' }),
  },
  'api.cors': {
    values: [[], ['https://example.org']],
    sees: [null, 'https://example.org'],
    look: async (place) =>
      (await place.ask('/api/whoami', { key: '', headers: { origin: 'https://example.org' } })).headers.get(
        'access-control-allow-origin',
      ),
  },
  'api.maxBody': {
    base: key,
    values: ['1MiB', 1_000],
    sees: [200, 413],
    look: (place) =>
      place.status('/api/publish', { body: JSON.stringify({ channel: 'c:1', data: 'x'.repeat(2_000) }) }),
  },
  'webhooks.[].url': async (t) => {
    const [first, second] = [await receiver(t), await receiver(t)];
    return {
      base: told({ events: ['published'] }),
      values: [first.url, second.url],
      sees: ['first', 'second'],
      look: async (place) => {
        await place.daemon.hub.publish(place.channel(), 1);
        place.clock.advance(5);
        return Promise.race([first.next().then(() => 'first'), second.next().then(() => 'second')]);
      },
    };
  },
  'webhooks.[].secret': async (t) => {
    const { url, next } = await receiver(t);
    return {
      base: told({ url, events: ['published'] }),
      values: [SECRET, ADMIN],
      sees: [SECRET, ADMIN],
      look: async (place) => {
        await place.daemon.hub.publish(place.channel(), 1);
        place.clock.advance(5);
        const { body, headers } = await next();
        const signature = String(headers['x-zocalo-signature']);
        const seconds = Number(/^t=(\d+)/.exec(signature)![1]);
        return [SECRET, ADMIN].find((secret) => signatureOf(secret, seconds, body) === signature);
      },
    };
  },
  'webhooks.[].events': async (t) => {
    const { url, next } = await receiver(t);
    return {
      base: told({ url }),
      values: [['published'], ['occupied']],
      sees: [['published'], ['occupied']],
      look: async (place) => {
        const name = place.channel();
        await place.daemon.hub.publish(name, 1);
        await (await place.guest()).ask('sub', name);
        place.clock.advance(5);
        return JSON.parse((await next()).body).events.map(({ type }: { type: string }) => type);
      },
    };
  },
  'webhooks.[].channels': async (t) => {
    const { url, next } = await receiver(t);
    return {
      base: told({ url, events: ['published'] }),
      values: [['c:a'], ['c:*']],
      sees: [['c:a'], ['c:b', 'c:a']],
      look: async (place) => {
        for (const name of ['c:b', 'c:a']) await place.daemon.hub.publish(name, 1);
        place.clock.advance(5);
        return JSON.parse((await next()).body).events.map(({ channel }: { channel: string }) => channel);
      },
    };
  },
  'webhooks.[].debounce': async (t) => {
    const { url, next } = await receiver(t);
    return {
      base: told({ url, events: ['vacated', 'published'] }),
      values: ['1ms', '1h'],
      sees: [['vacated', 'published'], ['published']],
      look: async (place) => {
        const name = place.channel();
        const guest = await place.guest();
        await guest.ask('sub', name);
        guest.connection.lost();
        place.clock.advance(2);
        await place.daemon.hub.publish(name, 1);
        place.clock.advance(5);
        return JSON.parse((await next()).body).events.map(({ type }: { type: string }) => type);
      },
    };
  },
  'tls.[].cert': (t) => renewed(t),
  'tls.[].key': (t) => renewed(t),
  'tls.[].names': (t) => {
    const [first, second] = [issue(t, 'DNS:first.example'), issue(t, 'DNS:second.example')];
    return {
      base: {
        listen: 'https://127.0.0.1:0',
        tls: [{}, { cert: first.cert, key: first.key, names: ['first.example'] }],
      },
      values: [
        { cert: second.cert, key: second.key, names: ['first.example'] },
        { cert: second.cert, key: second.key, names: ['else.example'] },
      ],
      sees: [second.print, first.print],
      look: (place) => shown(place, 'first.example'),
    };
  },
  'drain.deadline': {
    base: { log: { form: 'json' } },
    values: ['1s', '2s'],
    sees: [1_000, 2_000],
    isLast: true,
    look: async ({ daemon, lines }) => {
      await daemon.stop();
      return lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'stopping').deadline;
    },
  },
  'drain.spread': (t) => ({
    values: [0, '100h'],
    sees: ['all at once', 'spread'],
    isLast: true,
    look: async ({ daemon }) => {
      const peer = await HubPeer.join(t, daemon.addresses[0]!.replace('http', 'ws'));
      const stopped = daemon.stop();
      const { after } = (await peer.until('bye'))[2] as { after: number };
      await peer.client.closed;
      await stopped;
      return after === 1_000 ? 'all at once' : 'spread';
    },
  }),
  'log.level': {
    values: ['error', 'info'],
    sees: [0, 1],
    look: ({ daemon, lines }) => {
      const before = lines.length;
      daemon.auth.revoke('nobody'); // is told as information
      return lines.length - before;
    },
  },
  'log.form': {
    values: ['json', 'text'],
    sees: ['{', '['],
    look: ({ daemon, lines }) => {
      daemon.auth.revoke('nobody');
      return lines.at(-1)![0];
    },
  },
};

/** What a webhook or a hook is asked, one by one. */
async function receiver(t: TestContext, answer: (response: ServerResponse) => unknown = (r) => r.writeHead(204).end()) {
  const calls: { body: string; headers: Record<string, unknown> }[] = [];
  let wake = () => {};
  const url = await application(t, ({ body, headers }, response) => {
    calls.push({ body, headers });
    answer(response);
    wake();
  });
  const next = async () => {
    while (calls.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return calls.shift()!;
  };
  return { url, next };
}

/** A certificate and its key change together. */
function renewed(t: TestContext): Case {
  const [first, second] = [issue(t), issue(t)];
  return {
    base: { listen: 'https://127.0.0.1:0' },
    values: [filesOf(first), filesOf(second)],
    sees: [first.print, second.print],
    look: (place) => shown(place, 'localhost'),
  };
}

/** The certificate that the daemon shows to somebody who asks for this name. */
async function shown({ daemon }: Place, servername: string): Promise<string> {
  const port = Number(new URL(daemon.addresses[0]!).port);
  const socket = connectTls({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
