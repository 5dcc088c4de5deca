import { until } from '../../support/until.ts';
import { application, handshake } from '../auth/auth-fixture.ts';
import type { Cases, Place } from './place.ts';

const SECRET = 's'.repeat(40);

/** Somebody comes in with two headers. */
const VISIT = { token: undefined, request: handshake({ cookie: 'ana', 'x-session': 'luis' }) };

const login = (more: object) => ({ handlers: { login: { events: ['connect'], ...more } } });

/** `ok`, or the code of the refusal. */
async function answerTo(place: Place, ...[verb, ...rest]: unknown[]): Promise<unknown> {
  const { connection, wire } = await place.guest();
  connection.receive(JSON.stringify([verb, 77, ...rest]));
  const found = () => wire.got.find(([, id]) => id === 77);
  await until(() => found() !== undefined, 'an answer');
  return found()![0] === 'ok' ? 'ok' : found()![2];
}

/** A worker in the shell, which answers each event with this. */
const worker = (answer: string) => [
  'bash',
  '-c',
  `while IFS= read -r line <&3; do n=\${line#*,}; printf '["ok",%s,%s]\\n' "\${n%%,*}" "${answer}" >&4; done`,
];

export const HANDLER_CASES: Cases = {
  'handlers.*.channels': async (t) => {
    const url = await application(t, (_, response) => response.end('{"deny":"not today"}'));
    return {
      base: { handlers: { login: { events: ['subscribe'], url } } },
      values: ['c:*', 'other'],
      sees: ['FORBIDDEN', 'ok'],
      look: (place) => answerTo(place, 'sub', place.channel(), {}),
    };
  },
  'handlers.*.methods': async (t) => {
    const url = await application(t, (_, response) => response.end('{"result":"done"}'));
    return {
      base: { handlers: { login: { events: ['call'], url } } },
      values: ['order.*', ['refund', 'return']],
      sees: ['ok', 'NO_SUCH_METHOD'],
      look: (place) => answerTo(place, 'call', 'order.place', 1),
    };
  },
  'handlers.*.run': {
    base: login({}),
    values: [worker('{\\"user\\":\\"ana\\"}'), worker('{\\"user\\":\\"luis\\"}')],
    sees: ['ana', 'luis'],
    look: (place) => place.enter(),
  },
  'handlers.*.workers': {
    base: login({ run: worker('{\\"user\\":\\"$$\\"}') }),
    values: [1, 3],
    sees: [1, 3],
    look: async (place) => new Set(await Promise.all(Array.from({ length: 12 }, () => place.enter()))).size,
  },
  'handlers.*.events': async (t) => {
    const url = await application(t, (_, response) => response.end('{"user":"ana"}'));
    return {
      base: login({ url }),
      values: [['connect'], ['disconnect']],
      sees: ['ana', 'a stranger'],
      look: (place) => place.enter(),
    };
  },
  'handlers.*.url': async (t) => {
    const says = (user: string) => application(t, (_, response) => response.end(JSON.stringify({ user })));
    return {
      base: login({}),
      values: [await says('ana'), await says('luis')],
      sees: ['ana', 'luis'],
      look: (place) => place.enter(),
    };
  },
  'handlers.*.headers': async (t) => {
    const url = await application(t, ({ headers }, response) =>
      response.end(JSON.stringify({ user: headers.cookie ?? headers['x-session'] })),
    );
    return {
      base: login({ url }),
      values: [['cookie'], ['x-session']],
      sees: ['ana', 'luis'],
      look: async ({ daemon }) => (await daemon.auth.connect(VISIT)).user,
    };
  },
  'handlers.*.secret': async (t) => {
    const url = await application(t, ({ headers }, response) =>
      response.end(JSON.stringify({ user: headers['x-zocalo-signature'] ? 'signed' : 'unsigned' })),
    );
    return {
      base: login({ url }),
      values: [SECRET, undefined],
      sees: ['signed', 'unsigned'],
      look: (place) => place.enter(),
    };
  },
  'handlers.*.timeout': async (t) => {
    let asked = Promise.withResolvers<void>();
    const url = await application(t, () => asked.resolve());
    return {
      base: login({ url }),
      values: ['20ms', '30ms'],
      sees: ['20', '30'],
      look: async (place) => {
        asked = Promise.withResolvers();
        const entered = place.enter();
        await asked.promise;
        place.clock.advance(100);
        await entered;
        return /no answer came within (\d+) ms/.exec(place.lines.at(-1)!)?.[1];
      },
    };
  },
  'handlers.*.waiting': async (t) => {
    const held: (() => void)[] = [];
    const url = await application(t, (_, response) => held.push(() => response.end('{"user":"ana"}')));
    return {
      base: login({ url }),
      values: [0, 5],
      sees: ['UNAVAILABLE', 'ana'],
      look: async (place) => {
        // As many as are asked at once, and one more.
        const visits = Array.from({ length: 33 }, () => place.enter());
        const answer = setInterval(() => {
          for (const reply of held.splice(0)) reply();
        }, 1);
        const seen = await Promise.all(visits);
        clearInterval(answer);
        return seen.at(-1);
      },
    };
  },
};
