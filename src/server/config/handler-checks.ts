import { isOwn } from '../../hub/index.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';

type Handlers = Config['handlers'];
type Say = (path: Path, sentence: string) => void;

const ABOUT_CHANNELS = ['subscribe', 'publish', 'unsubscribe'] as const;

/** Whether a handler says who visitors are. */
export function namesUsers({ handlers }: Pick<Config, 'handlers'>): boolean {
  return Object.values(handlers).some(({ events }) => events.includes('connect'));
}

/** What no key of a handler can know by itself. */
export function checkHandlers(handlers: Handlers, wrong: Say, odd: Say): void {
  /** Which handler has an event, for a pattern where the event is about such. */
  const taken = new Map<string, string>();
  for (const [name, config] of Object.entries(handlers)) {
    const say = (key: string, sentence: string) => wrong(['handlers', name, key], sentence);
    if (config.url === undefined && config.run === undefined)
      say('url', 'is missing, and so is run: who is to answer?');
    if (config.url !== undefined && config.run !== undefined)
      say('run', 'stands beside url: only one of them can answer');
    if (config.run === undefined && config.workers > 1) odd(['handlers', name, 'workers'], 'has no effect without run');
    const channels = [config.channels ?? []].flat();
    const methods = [config.methods ?? []].flat();
    const about = ABOUT_CHANNELS.filter((event) => config.events.includes(event));
    if (about.length > 0 && channels.length === 0) say('channels', `is missing: for which channels is ${about[0]}?`);
    if (about.length === 0 && channels.length > 0)
      odd(['handlers', name, 'channels'], `has no effect: no event of this handler is about a channel`);
    if (config.events.includes('call') && methods.length === 0) say('methods', 'is missing: which methods has call?');
    if (!config.events.includes('call') && methods.length > 0)
      odd(['handlers', name, 'methods'], 'has no effect without the event call');
    for (const channel of channels)
      if (isOwn(channel)) say('channels', `has ${channel}, which is for the daemon's own channels`);
    for (const event of new Set(config.events)) {
      const patterns =
        event === 'call' ? methods : (ABOUT_CHANNELS as readonly string[]).includes(event) ? channels : [''];
      for (const pattern of new Set(patterns)) {
        const other = taken.get(`${event} ${pattern}`);
        taken.set(`${event} ${pattern}`, name);
        const what = pattern === '' ? event : `${event} of ${pattern}`;
        if (other !== undefined) say('events', `has ${what}, which handlers.${other} has too: only one can answer`);
      }
    }
  }
}
