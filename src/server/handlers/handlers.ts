import type { Clock } from '../../clock.ts';
import type { Caller, Hub, Handler as MethodHandler, PublishRequest, SubscribeRequest } from '../../hub/index.ts';
import { isPattern, type JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Application, Handshake } from '../auth/index.ts';
import type { HandlerConfig } from '../config/index.ts';
import { type Log, ThrottledLog } from '../operations/index.ts';
import type { Change } from '../part.ts';
import { type Answer, type Denial, readAnswer } from './answer.ts';
import type { CarrierParts } from './carriers/index.ts';
import { eventText, type HandlerEvent, type Members, NO_HEADERS, whoText } from './event.ts';
import type { EventName } from './events.ts';
import { Handler, type HandlerParts } from './handler.ts';
import { readIdentity } from './identity.ts';
import { Notices } from './notices.ts';
import { HandlerTable, patternsOf } from './table.ts';

export type HandlerConfigs = Readonly<Record<string, HandlerConfig>>;

export interface HandlersOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random?: () => number;
  /**
   * The file in which `unsubscribe` and `disconnect` wait for delivery. Undefined: they wait in memory, and are lost
   * with the process.
   */
  readonly file?: string | undefined;
  /** Different in each process: the ids of its events begin with it. */
  readonly run: string;
  readonly onOutcome: HandlerParts['onOutcome'];
  /** Does what a worker wants by itself. */
  readonly onCommand: CarrierParts['onCommand'];
}

const UNASKED: Allowed = { kind: 'allowed', data: undefined, member: undefined };
/** Milliseconds that a handler has for earlier events after a reload has replaced it. */
const GRACE = 30_000;

/** The carriers, with their programs and protocols: a daemon without handlers does not load them. */
export const loadCarriers = () => import('./carriers/index.ts');

/** The application's handlers: finds the one for each event, and asks it. */
export class Handlers {
  readonly #initial: HandlerConfigs;
  readonly #options: HandlersOptions;
  readonly #log: ThrottledLog;
  #handlers: ReadonlyMap<string, Handler> = new Map();
  #table = new HandlerTable<Handler>([]);
  readonly #closing = new Set<Promise<void>>();
  #events = 0;
  readonly #notices: Notices;
  #stopObserving = (): void => {};

  constructor(configs: HandlerConfigs, options: HandlersOptions) {
    this.#initial = configs;
    this.#options = options;
    this.#log = new ThrottledLog(options.log, options.clock);
    this.#notices = new Notices(this.#table, { ...options, nextId: () => this.#nextId() });
  }

  /** @throws ZocaloError STORE_FAILED. */
  async open(hub: Hub): Promise<void> {
    (await this.prepare(this.#initial)).commit();
    this.#stopObserving = this.#notices.observe(hub);
  }

  /** For `/health`. */
  health(): Readonly<Record<string, object>> {
    return Object.fromEntries([...this.#handlers].map(([name, handler]) => [name, handler.health()]));
  }

  /** For operators. */
  list(): readonly (ReturnType<Handler['health']> & { readonly name: string; readonly place: string })[] {
    return [...this.#handlers.values()].map((handler) => ({
      name: handler.name,
      place: placeOf(handler.config),
      ...handler.health(),
    }));
  }

  /** Other handlers. Those that stay as they are go on; one that is replaced answers first what it was asked. */
  async prepare(configs: HandlerConfigs): Promise<Required<Change>> {
    const known = this.#handlers;
    const next = new Map<string, Handler>();
    for (const [name, config] of Object.entries(configs)) {
      const before = known.get(name);
      const isSame = before && JSON.stringify(before.config) === JSON.stringify(config);
      next.set(name, isSame ? before : await this.#create(name, config));
    }
    this.#notices.prepare([...next.values()]);
    const notIn = (some: ReadonlyMap<string, Handler>, others: ReadonlyMap<string, Handler>) =>
      [...some.values()].filter((handler) => others.get(handler.name) !== handler);
    return {
      commit: () => {
        this.#handlers = next;
        this.#table = new HandlerTable([...next.values()]);
        this.#notices.use(this.#table, [...next.values()]);
        const replaced = notIn(known, next);
        const busy = replaced.filter(({ isBusy }) => isBusy);
        const settled = Promise.all(busy.map((handler) => handler.settled())).then(() => {});
        for (const handler of replaced) void this.#close(handler, GRACE);
        // A connection's events stay in order, even if another handler gets them from now on.
        for (const handler of notIn(next, known)) {
          if (busy.length > 0) handler.waitFor(settled);
          handler.carrier.open?.();
        }
      },
      discard: () => {
        for (const handler of notIn(next, known)) void this.#close(handler, 0);
      },
    };
  }

  async #create(name: string, config: HandlerConfig): Promise<Handler> {
    const { clock, now, onOutcome, onCommand } = this.#options;
    const { carrierOf } = await loadCarriers();
    const onStderr = (text: string) =>
      this.#log.write(
        'warn',
        `stderr ${name}`,
        { handler: name, text: text.trim() },
        'a handler wrote to its error log',
      );
    return new Handler(
      name,
      config,
      carrierOf(config, { name, clock, now, log: this.#options.log, onStderr, onCommand }),
      { clock, log: this.#log, onOutcome },
    );
  }

  #close(handler: Handler, grace: number): Promise<void> {
    const closing = handler.close(grace).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }

  /** `grace`: milliseconds for what was asked. */
  async close(grace: number): Promise<void> {
    this.#stopObserving();
    for (const handler of this.#handlers.values()) void this.#close(handler, grace);
    await Promise.all([this.#notices.close(), ...this.#closing]);
  }

  /** Identifies visitors; undefined when no handler has `connect`. */
  get connect(): Application | undefined {
    const handler = this.#table.connect;
    // A reload may have replaced it by the time it is asked.
    return handler && { ask: (...visitor) => this.#connect(this.#table.connect ?? handler, ...visitor) };
  }

  #connect(handler: Handler, { url, headers, address }: Handshake, token: string | undefined) {
    const passed = handler.config.headers.flatMap((name) => {
      const value = headers[name.toLowerCase()];
      return value === undefined ? [] : [[name.toLowerCase(), value]];
    });
    const event = this.#event('connect', undefined, headers, {
      address: JSON.stringify(address),
      url: JSON.stringify(url),
      headers: JSON.stringify(Object.fromEntries(passed)),
      token: token === undefined ? undefined : JSON.stringify(token),
    });
    return handler.ask(event, readIdentity);
  }

  /**
   * Asks whether a connection may subscribe. Returns at once if no handler has this channel.
   * @throws ProtocolError with the handler's refusal; UNAVAILABLE when there is no answer.
   */
  subscribe(
    who: Caller,
    channel: string,
    { purpose, json }: Pick<SubscribeRequest, 'purpose' | 'json'>,
  ): Allowed | Promise<Allowed> {
    const handler = this.#table.ofChannel('subscribe', channel);
    if (isPattern(channel) && this.#table.isSplit(channel, handler)) throw split(channel);
    if (!handler) return UNASKED;
    const members = {
      who: whoText(who),
      channel: JSON.stringify(channel),
      member: json?.text,
      purpose: purpose === 'subscribe' ? undefined : JSON.stringify(purpose),
    };
    return this.#decide(handler, 'subscribe', who, members);
  }

  /** Asks whether a connection may publish this. As `subscribe`. */
  publish(
    who: Caller,
    channel: string,
    { json, key, event, keep }: Pick<PublishRequest, 'json' | 'key' | 'event' | 'keep'>,
  ): Allowed | Promise<Allowed> {
    const handler = this.#table.ofChannel('publish', channel);
    if (!handler) return UNASKED;
    const members = {
      who: whoText(who),
      channel: JSON.stringify(channel),
      data: json.text,
      key: key === undefined ? undefined : JSON.stringify(key),
      // Its own `event` is `publish`.
      eventName: event === undefined ? undefined : JSON.stringify(event),
      keep: keep ? undefined : 'false',
    };
    return this.#decide(handler, 'publish', who, members);
  }

  /** For the hub: the methods of a configuration, by name and pattern. */
  methodsOf(configs: HandlerConfigs): Readonly<Record<string, MethodHandler>> {
    const call: MethodHandler = (_, who, method, { json }) => this.#call(who, method, json);
    const patterns = Object.values(configs).flatMap((config) => patternsOf(config, 'call'));
    return Object.fromEntries(patterns.map((pattern) => [pattern, call]));
  }

  /** The result of a call. @throws ProtocolError NO_SUCH_METHOD; and as `subscribe`. */
  async #call(who: Caller, method: string, data: JsonText): Promise<JsonText> {
    const handler = this.#table.ofMethod(method);
    // A reload can remove it after the hub has looked it up.
    if (!handler) throw new ProtocolError('NO_SUCH_METHOD', `there is no method ${method}`);
    const members = { who: whoText(who), method: JSON.stringify(method), data: data.text };
    const answer = await handler.ask(this.#of(who, 'call', members), (text) => granted(readAnswer('call', text)));
    return (answer as Extract<Answer, { kind: 'result' }>).result;
  }

  #decide(handler: Handler, name: 'subscribe' | 'publish', who: Caller, members: Members): Promise<Allowed> {
    return handler.ask(this.#of(who, name, members), (text) => granted(readAnswer(name, text)) as Allowed);
  }

  #of(who: Caller, name: EventName, members: Members): HandlerEvent {
    return this.#event(name, who.id, who.request?.headers ?? NO_HEADERS, members);
  }

  #nextId(): string {
    return `${this.#options.run}-${++this.#events}`;
  }

  #event(name: EventName, connection: string | undefined, headers: HandlerEvent['headers'], members: Members) {
    const id = this.#nextId();
    return { name, id, connection, headers, text: eventText(name, id, members) };
  }
}

export type Allowed = Extract<Answer, { kind: 'allowed' }>;

/** @throws ProtocolError with the refusal. */
function granted(answer: Answer): Exclude<Answer, Denial> {
  if (answer.kind !== 'denied') return answer;
  const { code = 'FORBIDDEN', message, after, details } = answer;
  throw new ProtocolError(code, message, after, code === 'FORBIDDEN' ? 'REFUSED' : undefined, details);
}

function split(pattern: string): ProtocolError {
  const sentence = `${pattern} has channels of which each needs the application's consent: subscribe to them by name`;
  return new ProtocolError('FORBIDDEN', sentence, undefined, 'CHANNEL_OPTION');
}

/** What it runs or calls. Of a web address the user and the query are left out, which may have secrets. */
function placeOf({ url = '', run }: HandlerConfig): string {
  if (run !== undefined) return [run].flat()[0]!.split(' ')[0]!;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
