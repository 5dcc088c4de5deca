import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type { Hub } from '../../hub/index.ts';
import { JsonText, ProtocolError } from '../../protocol/index.ts';
import { Origins } from '../../websocket/index.ts';
import type { Config } from '../config/index.ts';
import { type AddressLimits, ClientAddress } from '../limits/index.ts';
import { parseJson, readBody } from './body.ts';
import { type ApiCaller, type KeyRing, LOCAL } from './caller.ts';
import { keepData } from './data-text.ts';
import { failureOf, forbidden } from './failure.ts';
import { loginRoute } from './login.ts';
import { openApi } from './open-api.ts';
import { isEvents } from './paths.ts';
import { lookingUpRoutes, type Sessions, userRoutes } from './people.ts';
import { publishingRoutes } from './publishing.ts';
import { check, type Route } from './route.ts';
import { reply, Shortcuts } from './shortcut.ts';
import { Events } from './sse.ts';
import { whoamiRoute } from './whoami.ts';

export interface ApiOptions {
  readonly hub: Hub;
  readonly keys: KeyRing;
  readonly config: Pick<Config, 'api' | 'origins' | 'limits'>;
  readonly auth?: Sessions;
  /** Whose request it is, behind proxies. Default: the other end of the socket. */
  readonly clientAddress?: Pick<ClientAddress, 'of' | 'forwarding'>;
  /** What one client address may ask for of streams. Default: no limits. */
  readonly addressLimits?: AddressLimits;
  /** Is told of each stream that was refused by a limit, and why. */
  readonly onRefused?: (reason: string, address: string, sentence: string) => void;
  /** Is told of what failed on the server's side. Default: written to standard error. */
  readonly log?: { error(details: object, sentence: string): void };
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface Listeners {
  /** Answers a request that came from anywhere. */
  readonly handle: Listener;
  /** Answers a request that came through the Unix socket: it needs no key. */
  readonly handleLocal: Listener;
}

/** What comes with each request through hono. */
interface Bindings {
  readonly incoming: IncomingMessage;
  readonly isLocal: boolean;
}

/** Where the document of the API is. */
const DOCUMENT = '/api/openapi.json';

export function buildApi(options: ApiOptions): Listeners {
  const { hub, keys, config, auth = {}, clientAddress: address = new ClientAddress(), log } = options;
  const { addressLimits, onRefused = () => {} } = options;
  const report = (what: string, cause: unknown) => {
    if (log) log.error({ err: cause }, what);
    else console.error(`${what}:`, cause);
  };
  const origins = new Origins(config.origins);
  // Looked at for each request, since a reload may change it.
  let compiled = { cors: config.api.cors, callers: new Origins(config.api.cors) };
  const callers = () => {
    const { cors } = config.api;
    if (compiled.cors !== cors) compiled = { cors, callers: new Origins(cors) };
    return compiled.callers;
  };
  const routes = [
    ...publishingRoutes(hub, report),
    ...lookingUpRoutes(hub),
    ...userRoutes(hub, auth),
    whoamiRoute(address),
    loginRoute(auth, address, {
      allows: (origin, host) => origins.allows(origin, host) || callers().allows(origin),
    }),
  ];

  const app = new Hono<{ Bindings: Bindings }>();
  app.use('*', (context, next) => (config.api.cors.length > 0 ? corsOf(callers())(context, next) : next()));
  app.use('*', async (context, next) => {
    await next();
    context.res.headers.set('Cache-Control', 'no-store');
  });
  const act = (route: Route, asked: Asked) => perform(route, asked, keys, config.api.maxBody);
  for (const route of routes)
    app.on(route.method, route.path, async (context) => {
      const { req, env } = context;
      const answer = await act(route, { ...env, params: req.param(), query: req.query() });
      return answer instanceof JsonText
        ? context.body(answer.text, 200, { 'Content-Type': 'application/json' })
        : context.json(answer);
    });
  const document = openApi(routes);
  app.get(DOCUMENT, (context) => context.json(document));
  for (const [path, allow] of methodsOf([...routes, { path: DOCUMENT, method: 'GET' }]))
    app.all(path, (context) => {
      context.header('Allow', allow);
      throw new ProtocolError('METHOD_NOT_ALLOWED', `${context.req.path} takes ${allow}`);
    });
  app.notFound(() => {
    throw new ProtocolError('NO_SUCH_ROUTE', `there is nothing at this path; ${DOCUMENT} lists what there is`);
  });
  app.onError((error, context) => {
    const { status, headers, body } = failureOf(error, report);
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    // What was not read of a body that is too large must not be taken for the next request.
    if (status === 413) context.header('Connection', 'close');
    return context.json(body, status as 400);
  });

  const events = new Events({
    hub,
    origins,
    most: config.limits.connections,
    addressLimits,
    onRefused,
    addressOf: (request) => address.of(request),
    report,
  });
  const shortcuts = new Shortcuts(routes);
  const listener = (isLocal: boolean): Listener => {
    const answer = getRequestListener(
      (request, { incoming }) => app.fetch(request, { incoming: incoming as IncomingMessage, isLocal }),
      { overrideGlobalObjects: false },
    );
    return (incoming, response) => {
      const route = shortcuts.of(incoming, config.api.maxBody);
      if (isEvents(incoming.url)) events.handle(incoming, response);
      else if (route) void reply(response, act(route, { incoming, isLocal, params: {}, query: {} }), report);
      else void answer(incoming, response);
    };
  };
  return {
    handle: listener(false),
    handleLocal: listener(true),
  };
}

/** What of a request a route can ask for. */
interface Asked extends Bindings {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

async function perform(route: Route, asked: Asked, keys: KeyRing, maxBody: number): Promise<unknown> {
  const { incoming, params } = asked;
  const caller = callerOf(asked, keys);
  if (route.right !== null) {
    if (!caller) {
      const sentence = 'an API key is needed: send Authorization: Bearer <key>, with one of api.keys';
      throw new ProtocolError('UNAUTHORIZED', sentence, undefined, 'NO_KEY');
    }
    if (!caller.may(route.right)) throw forbidden('do this', `its "can" does not have ${route.right}`);
  }
  const query = route.query && check(route.query, asked.query, 'the query');
  let body: unknown;
  if (route.body) {
    const text = await readBody(incoming, maxBody);
    const value = route.mayLackBody && text === '' ? {} : parseJson(text);
    if (route.hasData) keepData(text, value);
    body = check(route.body, value, 'the body');
  }
  return route.handle({ caller, params, query, body, request: incoming });
}

/** @throws ProtocolError UNAUTHORIZED for a key that is not known: also where none is needed. */
function callerOf({ incoming, isLocal }: Bindings, keys: KeyRing): ApiCaller | undefined {
  const { authorization } = incoming.headers;
  if (authorization === undefined) return isLocal ? LOCAL : undefined;
  const caller = keys.find(authorization);
  if (!caller) throw new ProtocolError('UNAUTHORIZED', 'the API key is none of api.keys', undefined, 'KEY_UNKNOWN');
  return caller;
}

/** `*` where it takes everybody: keys are never sent by themselves, as cookies are. */
function corsOf(origins: Origins) {
  return cors({
    origin: origins.any ? '*' : (origin) => (origins.allows(origin) ? origin : null),
    allowMethods: ['GET', 'HEAD', 'POST'],
    allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key'],
    exposeHeaders: ['Retry-After', 'WWW-Authenticate'],
    maxAge: 600,
  });
}

function methodsOf(routes: readonly Pick<Route, 'path' | 'method'>[]): Map<string, string> {
  const allowed = new Map<string, string>();
  for (const { path, method } of routes) {
    const methods = method === 'GET' ? 'GET, HEAD' : method;
    const others = allowed.get(path);
    allowed.set(path, others ? `${others}, ${methods}` : methods);
  }
  return allowed;
}
