import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../clock.ts';
import type { Hub } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { Origins } from '../../websocket/index.ts';
import type { ApiCaller, ApiKeys } from '../auth/index.ts';
import type { Config } from '../config/index.ts';
import {
  answer,
  ClientAddress,
  check,
  discardBody,
  failureOf,
  forbidden,
  type Listener,
  parseJson,
  readBody,
} from '../http/index.ts';
import type { AddressLimits } from '../limits/index.ts';
import type { OnRefused } from '../refusal-reasons.ts';
import { OpenStreams } from '../transports/index.ts';
import { Events } from '../transports/sse/index.ts';
import { LOCAL } from './caller.ts';
import { allowPages } from './cors.ts';
import { keepData } from './data-text.ts';
import { editingRoutes } from './editing.ts';
import { loginRoute } from './login.ts';
import { documentRoute } from './open-api.ts';
import { isEvents } from './paths.ts';
import { lookingUpRoutes, type Sessions, userRoutes } from './people.ts';
import { publishingRoutes } from './publishing.ts';
import type { Route } from './route.ts';
import { Router } from './router.ts';
import { type SinkList, sinkRoutes } from './sinks.ts';
import { type SourceList, sourceRoutes } from './sources.ts';
import { whoamiRoute } from './whoami.ts';

export interface ApiOptions {
  readonly hub: Hub;
  readonly keys: Pick<ApiKeys, 'find'>;
  readonly config: Pick<Config, 'api' | 'origins' | 'limits'>;
  readonly auth?: Sessions;
  /** Default: none. */
  readonly sinks?: SinkList;
  /** Default: none. */
  readonly sources?: SourceList;
  /** Finds the client's address behind proxies. Default: the peer's address. */
  readonly clientAddress?: Pick<ClientAddress, 'of' | 'forwarding' | 'protocol'>;
  /** How many event streams one client address may open. Default: no limits. */
  readonly addressLimits?: AddressLimits;
  /** Called for each event stream that a limit refused, with the reason. */
  readonly onRefused?: OnRefused;
  /** The registry of open event streams. */
  readonly streams?: OpenStreams;
  readonly clock?: Clock;
  /** Called with failures on the server's side. Default: printed to standard error. */
  readonly log?: { error(details: object, sentence: string): void };
}

export interface Listeners {
  /** Answers a request from the network. */
  readonly handle: Listener;
  /** Answers a request from the Unix socket, which needs no key. */
  readonly handleLocal: Listener;
}

export function buildApi(options: ApiOptions): Listeners {
  const { hub, keys, config, auth = {}, clientAddress: address = new ClientAddress(), log } = options;
  const { sinks = NO_SINKS, sources = NO_SOURCES } = options;
  const { addressLimits, onRefused = () => {}, clock = systemClock, streams = new OpenStreams() } = options;
  const report = (what: string, cause: unknown) => {
    if (log) log.error({ err: cause }, what);
    else console.error(`${what}:`, cause);
  };
  const origins = new Origins(config.origins);
  // Read for each request, since a reload may change it.
  let compiled = { cors: config.api.cors, callers: new Origins(config.api.cors) };
  const callers = () => {
    const { cors } = config.api;
    if (compiled.cors !== cors) compiled = { cors, callers: new Origins(cors) };
    return compiled.callers;
  };
  const routes = [
    ...publishingRoutes(hub, report),
    ...editingRoutes(hub),
    ...lookingUpRoutes(hub),
    ...userRoutes(hub, auth),
    ...sourceRoutes(sources),
    ...sinkRoutes(sinks),
    whoamiRoute(address),
    loginRoute(auth, address, {
      allows: (origin, host) => origins.allows(origin, host) || callers().allows(origin),
    }),
  ];

  const router = new Router([...routes, documentRoute(routes)]);
  const act = (request: IncomingMessage, response: ServerResponse, isLocal: boolean): Promise<unknown> => {
    const { method = '', url = '' } = request;
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    const query = end < 0 ? '' : url.slice(end + 1);
    const { route, params } = router.find(method, path, (methods) => response.setHeader('allow', methods));
    return perform(route, { request, isLocal, params, query }, keys, config.api.maxBody);
  };
  const answerTo = async (request: IncomingMessage, response: ServerResponse, isLocal: boolean): Promise<void> => {
    if (config.api.cors.length > 0 && allowPages(callers(), request, response)) return;
    try {
      answer(response, 200, await act(request, response, isLocal));
    } catch (error) {
      const { status, headers, body } = failureOf(error, report);
      const { 'content-length': length = 0, 'transfer-encoding': coding } = request.headers;
      const mayBeLong = status === 413 || coding !== undefined || Number(length) > config.api.maxBody;
      if (!mayBeLong || request.complete) answer(response, status, body, { headers });
      else {
        // Close, or the unread body would be parsed as the next request.
        const until = discardBody(request, clock);
        answer(response, status, body, { headers: { ...headers, connection: 'close' }, until });
      }
    }
  };

  const events = new Events({
    hub,
    origins,
    most: config.limits.connections,
    addressLimits,
    onRefused,
    addressOf: (request) => address.of(request),
    report,
    streams,
  });
  const listener =
    (isLocal: boolean): Listener =>
    (request, response) => {
      if (isEvents(request.url)) events.handle(request, response);
      else void answerTo(request, response, isLocal);
    };
  return { handle: listener(false), handleLocal: listener(true) };
}

const NO_SOURCES: SourceList = { list: () => [], devices: () => [] };
const NO_SINKS: SinkList = { health: () => ({}), aside: () => undefined };

/** The parts of a request that a route can use. */
interface Asked {
  readonly request: IncomingMessage;
  readonly isLocal: boolean;
  readonly params: Readonly<Record<string, string>>;
  /** As in the URL, still escaped. */
  readonly query: string;
}

async function perform(route: Route, asked: Asked, keys: ApiOptions['keys'], maxBody: number): Promise<unknown> {
  const { request, params } = asked;
  const caller = callerOf(asked, keys);
  if (route.right !== null) {
    if (!caller) {
      const sentence = 'an API key is needed: send Authorization: Bearer <key>, with one of api.keys';
      throw new ProtocolError('UNAUTHORIZED', sentence, undefined, 'NO_KEY');
    }
    if (!caller.may(route.right)) throw forbidden('do this', `its "can" does not have ${route.right}`);
  }
  const query = route.query && check(route.query, membersOf(asked.query), 'the query');
  let body: unknown;
  if (route.body) {
    const text = await readBody(request, maxBody);
    const value = route.mayLackBody && text === '' ? {} : parseJson(text);
    if (route.hasData) keepData(text, value);
    body = check(route.body, value, 'the body');
  }
  return route.handle({ caller, params, query, body, request });
}

/** The first value of each name counts. */
function membersOf(query: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...new URLSearchParams(query)].reverse());
}

/** @throws ProtocolError UNAUTHORIZED for an unknown key, even where no key is needed. */
function callerOf({ request, isLocal }: Asked, keys: ApiOptions['keys']): ApiCaller | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return isLocal ? LOCAL : undefined;
  const caller = keys.find(authorization);
  if (!caller) throw new ProtocolError('UNAUTHORIZED', 'the API key is not one of api.keys', undefined, 'KEY_UNKNOWN');
  return caller;
}
