import { turn } from '../../support/turn.ts';
import type { ClientBench, ServerBench, Visit } from '../benches.ts';
import { CLOSED_BY_PEER, type Verdict } from '../case.ts';
import type { Probe } from '../conformance.ts';
import { Deflate, parseExtensions, parseParameters } from '../deflate.ts';
import { encodeHeader, text } from '../frame.ts';
import * as http from '../handshake.ts';
import { play } from '../play.ts';
import { RawPeer } from '../raw-peer.ts';

/** Groups 20 and 21: the opening handshake (RFC 6455 §4), before a server and before a client. */

const EXTENSIONS = 'Sec-WebSocket-Extensions';
const PROTOCOL = 'Sec-WebSocket-Protocol';

const failed = (why: string): Verdict => ({ grade: 'FAILED', why });

/** Twenty messages there and back, and a Close: the proof that the connection is what the handshake says. */
export function rally(peer: RawPeer): Promise<Verdict> {
  const message = (index: number) => text(`lap ${index} of the square, lap ${index} of the square`);
  return play({ id: '', title: '', script: [{ rally: 20, message }], expect: [], end: CLOSED_BY_PEER }, peer);
}

type Ask = { octets: string | Buffer; chop?: number };

async function ask(bench: ServerBench, { octets, chop }: Ask) {
  const socket = await http.dial(bench.port);
  const head = http.readHead(socket);
  const all = Buffer.from(octets);
  for (let at = 0; at < all.length && !socket.destroyed; at += chop ?? all.length) {
    socket.write(all.subarray(at, at + (chop ?? all.length)));
    await turn();
  }
  return { socket, head: await head };
}

/** The server opens, and then carries messages. `expected` are fields of the response; '' for those that must be absent. */
function opens(id: string, title: string, question: Ask, expected: Record<string, string> = {}): Probe<ServerBench> {
  return {
    id,
    title,
    role: 'server',
    async probe(bench) {
      const { socket, head } = await ask(bench, question);
      const key = /^sec-websocket-key: (\S*)/im.exec(`${question.octets}`)?.[1] ?? http.KEY;
      const wrong =
        http.wrongWithResponse(head, key) ?? wrongField(head!, { [EXTENSIONS]: '', [PROTOCOL]: '', ...expected });
      const verdict = wrong ? failed(wrong) : await rally(new RawPeer(socket, 'client').start(head!.rest));
      socket.destroy();
      return verdict;
    },
  };
}

function wrongField(head: http.Head, expected: Record<string, string>): string | undefined {
  for (const [name, value] of Object.entries(expected)) {
    const is = http.field(head, name.toLowerCase());
    if (is !== value) return `${name}: ${is || 'absent'}`;
  }
  return undefined;
}

/** As `opens`, but a server that refuses is only lax. */
function mayOpen(id: string, title: string, question: Ask): Probe<ServerBench> {
  const strict = opens(id, title, question);
  return {
    ...strict,
    async probe(bench) {
      const verdict = await strict.probe(bench);
      return verdict.why?.startsWith('the response was HTTP/1.1 4') ? { ...verdict, grade: 'NON-STRICT' } : verdict;
    },
  };
}

/** The server answers with one of these statuses and no WebSocket. 0 stands for a connection that just ends. */
function refuses(
  id: string,
  title: string,
  octets: string | Buffer,
  statuses: number[],
  expected: Record<string, string> = {},
): Probe<ServerBench> {
  return {
    id,
    title,
    role: 'server',
    async probe(bench) {
      const { socket, head } = await ask(bench, { octets });
      socket.destroy();
      const status = Number(head?.line.split(' ')[1] ?? 0);
      if (!statuses.includes(status)) return failed(`the status ${status}`);
      const wrong = head && wrongField(head, expected);
      return wrong ? failed(wrong) : { grade: 'OK' };
    },
  };
}

const asks = (fields: http.Fields, line?: string): Ask => ({ octets: http.request(fields, line) });
const refusedFields = (id: string, title: string, fields: http.Fields, statuses = [400]) =>
  refuses(id, title, http.request(fields), statuses);

const lowerCase = http.request().replace(/^[\w-]+:/gm, (name) => name.toLowerCase());
const upperCase = http.request().replace(/^[\w-]+:/gm, (name) => name.toUpperCase());
const HELLO = Buffer.from('Hello');
const maskedHello = Buffer.concat([
  encodeHeader(text(HELLO), true),
  HELLO.map((octet, i) => octet ^ [0x37, 0xfa, 0x21, 0x3d][i % 4]!),
]);

/** A frame that comes in the same segment as the request must wait for the handshake, not be lost. */
const eager: Probe<ServerBench> = {
  id: '20.1.12',
  title: 'a message behind the request',
  role: 'server',
  async probe(bench) {
    const { socket, head } = await ask(bench, { octets: Buffer.concat([Buffer.from(http.request()), maskedHello]) });
    const wrong = http.wrongWithResponse(head);
    if (wrong) return failed(wrong);
    const expect = [{ kind: 'text' as const, payload: HELLO }];
    const peer = new RawPeer(socket, 'client').start(head!.rest);
    return play({ id: '', title: '', script: [], expect, end: CLOSED_BY_PEER }, peer);
  },
};

const VERSION = 'Sec-WebSocket-Version';
const KEY = 'Sec-WebSocket-Key';
const speaks13 = { [VERSION]: '13' };

const server: Probe<ServerBench>[] = [
  opens('20.1.1', 'the request of RFC 6455', asks({})),
  opens('20.1.2', 'names in lower case', { octets: lowerCase }),
  opens('20.1.3', 'names in upper case', { octets: upperCase }),
  opens('20.1.4', 'values in another case', asks({ Upgrade: 'WebSocket', Connection: 'upgrade' })),
  opens('20.1.5', 'several tokens in Connection', asks({ Connection: 'keep-alive, Upgrade' })),
  opens('20.1.6', 'two lines of Connection', asks({ Connection: ['keep-alive', 'Upgrade'] })),
  mayOpen('20.1.7', 'several tokens in Upgrade', asks({ Upgrade: 'h2c, websocket' })),
  opens('20.1.8', 'octet by octet', { octets: http.request(), chop: 1 }),
  opens('20.1.9', 'fields that nobody knows', asks({ 'X-Plaza': 'mayor', Cookie: 'a=b' })),
  opens('20.1.10', 'a query', asks({}, 'GET /echo?a=b%20c HTTP/1.1')),
  opens('20.1.11', 'another key', asks({ [KEY]: http.KEY.replace('dG', 'AA') })),
  eager,
  opens('20.2.1', 'a subprotocol', asks({ [PROTOCOL]: 'echo.1' }), { [PROTOCOL]: 'echo.1' }),
  opens('20.2.2', 'a subprotocol among others', asks({ [PROTOCOL]: 'chess, echo.1' }), { [PROTOCOL]: 'echo.1' }),
  opens('20.2.3', 'a subprotocol in a second line', asks({ [PROTOCOL]: ['chess', 'echo.1'] }), {
    [PROTOCOL]: 'echo.1',
  }),
  opens('20.2.4', 'a subprotocol in another case', asks({ [PROTOCOL]: 'ECHO.1' })),
  opens('20.2.5', 'only subprotocols that it does not speak', asks({ [PROTOCOL]: 'chess, draughts' })),
  opens('20.2.6', 'only extensions that it does not know', asks({ [EXTENSIONS]: 'x-deflate-frame, mux; max=4' })),
  refuses('20.3.1', 'the version 12', http.request({ [VERSION]: '12' }), [426], speaks13),
  refuses('20.3.2', 'the version 8', http.request({ [VERSION]: '8' }), [426], speaks13),
  refuses('20.3.3', 'the version 14', http.request({ [VERSION]: '14' }), [426], speaks13),
  refusedFields('20.3.4', 'no version', { [VERSION]: undefined }, [400, 426]),
  refusedFields('20.3.5', 'a version that is no number', { [VERSION]: '13a' }, [400, 426]),
  refusedFields('20.3.6', 'two versions', { [VERSION]: ['13', '8'] }, [400, 426]),
  refusedFields('20.4.1', 'no key', { [KEY]: undefined }),
  refusedFields('20.4.2', 'an empty key', { [KEY]: '' }),
  refusedFields('20.4.3', 'a key of 15 octets', { [KEY]: Buffer.alloc(15).toString('base64') }),
  refusedFields('20.4.4', 'a key of 17 octets', { [KEY]: Buffer.alloc(17).toString('base64') }),
  refusedFields('20.4.5', 'a key that is not base64', { [KEY]: `${'*'.repeat(22)}==` }),
  refusedFields('20.4.6', 'two keys', { [KEY]: [http.KEY, http.KEY] }),
  refusedFields('20.5.1', 'no Upgrade', { Upgrade: undefined }, [400, 426]),
  refusedFields('20.5.2', 'an upgrade to something else', { Upgrade: 'h2c' }, [400, 426]),
  refusedFields('20.5.3', 'no Connection', { Connection: undefined }, [400, 426]),
  refusedFields('20.5.4', 'a Connection without Upgrade', { Connection: 'keep-alive' }, [400, 426]),
  refusedFields('20.5.5', 'no Host', { Host: undefined }),
  refuses('20.6.1', 'POST', http.request({}, 'POST /echo HTTP/1.1'), [400, 405, 426]),
  refuses('20.6.2', 'HEAD', http.request({}, 'HEAD /echo HTTP/1.1'), [400, 405, 426]),
  refuses('20.6.3', 'HTTP/1.0', http.request({}, 'GET /echo HTTP/1.0'), [400, 426, 505]),
  refuses('20.6.4', 'no HTTP', 'Hola, plaza!\r\n\r\n', [400, 0]),
  refuses('20.6.5', 'frames without a handshake', maskedHello, [400, 0]),
  refuses('20.6.6', 'a field of 1 MiB', http.request({ 'X-Plaza': 'x'.repeat(2 ** 20) }), [400, 413, 431, 0]),
  refuses('20.6.7', 'a request without more', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', [200, 400, 404, 426]),
];

interface Answer {
  octets: string;
  chop?: number;
}

async function answer(visit: Visit, { octets, chop = octets.length }: Answer): Promise<void> {
  for (let at = 0; at < octets.length && !visit.socket.destroyed; at += chop) {
    visit.socket.write(octets.slice(at, at + chop));
    await turn();
  }
}

type Respond = (key: string, visit: Visit) => Answer;
type Options = Parameters<ClientBench['invite']>[0];

/** The client takes the response, and then carries messages. */
function takes(id: string, title: string, respond: Respond, options: Options = {}): Probe<ClientBench> {
  return {
    id,
    title,
    role: 'client',
    async probe(bench) {
      const visit = await bench.invite(options);
      const response = respond(http.field(visit.head, 'sec-websocket-key'), visit);
      const extensions = /^Sec-WebSocket-Extensions: *(.*?) *\r$/m.exec(response.octets)?.[1] ?? '';
      const [[, parameters] = []] = parseExtensions(extensions);
      const deflate = parameters && new Deflate(parseParameters(parameters, false), 'server');
      const peer = new RawPeer(visit.socket, 'server', deflate).start(visit.head.rest);
      await answer(visit, response);
      const verdict = await rally(peer);
      return (await visit.opened) ? verdict : failed('the client says that it never opened');
    },
  };
}

/** The client fails the connection, and sends nothing. */
function rejects(id: string, title: string, respond: Respond, options: Options = {}): Probe<ClientBench> {
  return {
    id,
    title,
    role: 'client',
    async probe(bench) {
      const visit = await bench.invite(options);
      const peer = new RawPeer(visit.socket, 'server').start(visit.head.rest);
      const response = respond(http.field(visit.head, 'sec-websocket-key'), visit);
      await answer(visit, response);
      const silence = setTimeout(() => peer.destroy('it neither opened nor gave up'), 20_000);
      await peer.send([text('open?')]);
      const gaveUp = visit.opened.then((opened) => (opened ? undefined : peer.destroy()));
      await Promise.race([peer.until(() => !peer.open || peer.events.length > 0), gaveUp]);
      clearTimeout(silence);
      visit.socket.destroy();
      if (peer.events.length > 0) return failed('it opened');
      if (peer.trouble || peer.closing) return failed(peer.trouble ?? 'it sent a Close');
      return (await visit.opened) ? failed('it opened') : { grade: 'OK' };
    },
  };
}

const good =
  (fields: http.Fields = {}, line?: string): Respond =>
  (key) => ({ octets: http.response(key, fields, line) });

const requestIsGood: Probe<ClientBench> = {
  id: '21.1.1',
  title: 'the request is as RFC 6455 has it, and no key comes twice',
  role: 'client',
  async probe(bench) {
    const visits = await Promise.all([bench.invite(), bench.invite({ protocols: ['chess', 'echo.1'] })]);
    for (const { socket } of visits) socket.destroy();
    await Promise.all(visits.map(({ opened }) => opened));
    const wrong = visits.map(({ head }) => http.wrongWithRequest(head)).find(Boolean);
    if (wrong) return failed(wrong);
    const [one, two] = visits.map(({ head }) => head) as [http.Head, http.Head];
    if (http.field(one, 'sec-websocket-key') === http.field(two, 'sec-websocket-key'))
      return failed('the same key twice');
    return wrongProtocols(one, '') ?? wrongProtocols(two, 'chess,echo.1') ?? { grade: 'OK' };
  },
};

function wrongProtocols(head: http.Head, expected: string): Verdict | undefined {
  const is = http.field(head, 'sec-websocket-protocol').replaceAll(' ', '');
  return is === expected ? undefined : failed(`it asked for the subprotocols ${is || '(none)'}`);
}

const keysDiffer: Probe<ClientBench> = {
  id: '21.1.2',
  title: 'every frame has a masking key of its own',
  role: 'client',
  async probe(bench) {
    const visit = await bench.invite();
    const peer = new RawPeer(visit.socket, 'server').start(visit.head.rest);
    visit.socket.write(http.response(http.field(visit.head, 'sec-websocket-key')));
    const verdict = await rally(peer);
    return new Set(peer.keys).size === peer.keys.length ? verdict : failed('a masking key came twice');
  },
};

const ACCEPT = 'Sec-WebSocket-Accept';
const protocols = ['chess', 'echo.1'];
const status = (line: string) => good({ Connection: 'close', 'Content-Length': '0' }, line);

const client: Probe<ClientBench>[] = [
  requestIsGood,
  keysDiffer,
  takes('21.2.1', 'a good response', good()),
  takes('21.2.2', 'names in lower case', (key) => ({
    octets: http.response(key).replace(/^[\w-]+:/gm, (name) => name.toLowerCase()),
  })),
  takes('21.2.3', 'values in another case', good({ Upgrade: 'WebSocket', Connection: 'upgrade' })),
  takes('21.2.4', 'octet by octet', (key) => ({ octets: http.response(key), chop: 1 })),
  takes('21.2.5', 'another phrase', good({}, 'HTTP/1.1 101 Adelante')),
  takes('21.2.6', 'fields that nobody knows', good({ 'X-Plaza': 'mayor', 'Set-Cookie': ['a=b', 'c=d'] })),
  takes('21.2.7', 'a subprotocol that it asked for', good({ [PROTOCOL]: 'echo.1' }), { protocols }),
  rejects('21.3.1', 'no Sec-WebSocket-Accept', good({ [ACCEPT]: undefined })),
  rejects('21.3.2', 'an empty Sec-WebSocket-Accept', good({ [ACCEPT]: '' })),
  rejects('21.3.3', 'the Sec-WebSocket-Accept of another key', good({ [ACCEPT]: http.ACCEPT })),
  rejects('21.3.4', 'the Sec-WebSocket-Accept in another case', (key) => ({
    octets: http.response(key, { [ACCEPT]: http.acceptFor(key).toLowerCase() }),
  })),
  rejects('21.3.5', 'the key itself', (key) => ({ octets: http.response(key, { [ACCEPT]: key }) })),
  rejects('21.3.6', 'no Upgrade', good({ Upgrade: undefined })),
  rejects('21.3.7', 'an upgrade to something else', good({ Upgrade: 'h2c' })),
  rejects('21.3.8', 'no Connection', good({ Connection: undefined })),
  rejects('21.3.9', 'a Connection without Upgrade', good({ Connection: 'close' })),
  rejects('21.4.1', 'the status 200', status('HTTP/1.1 200 OK')),
  rejects('21.4.2', 'the status 400', status('HTTP/1.1 400 Bad Request')),
  rejects('21.4.3', 'the status 401', status('HTTP/1.1 401 Unauthorized')),
  rejects('21.4.4', 'the status 404', status('HTTP/1.1 404 Not Found')),
  rejects('21.4.5', 'the status 503', status('HTTP/1.1 503 Service Unavailable')),
  rejects('21.4.6', 'no HTTP', () => ({ octets: 'Hola, plaza!\r\n\r\n' })),
  rejects('21.4.7', 'the end before the response', (_, { socket }) => {
    socket.end();
    return { octets: '' };
  }),
  rejects('21.4.8', 'the end within the response', (key, { socket }) => {
    socket.end(http.response(key).slice(0, -2));
    return { octets: '' };
  }),
  rejects('21.4.9', 'a field of 1 MiB', good({ 'X-Plaza': 'x'.repeat(2 ** 20) })),
  rejects('21.5.1', 'a subprotocol that it did not ask for', good({ [PROTOCOL]: 'echo.1' })),
  rejects('21.5.2', 'a subprotocol that is not among those it asked for', good({ [PROTOCOL]: 'draughts' }), {
    protocols,
  }),
  rejects('21.5.3', 'two subprotocols', good({ [PROTOCOL]: 'chess, echo.1' }), { protocols }),
  rejects('21.5.4', 'an extension that it did not ask for', good({ [EXTENSIONS]: 'mux' })),
  rejects('21.5.5', 'permessage-deflate, without an offer', good({ [EXTENSIONS]: 'permessage-deflate' }), {
    compression: 'none',
  }),
];

/** Used by the negotiation of compression, which is more of the same. */
export { ask, failed, good, rejects, takes };

export const handshake = [...server, ...client];
