import { hash } from 'node:crypto';
import { type RedisAccess, scriptOf } from '../../broker/index.ts';
import type { EventQueues, QueuedNews, QueuePage } from '../queues.ts';

/** What waits in one queue at the most; the oldest events are dropped. */
const MOST = { events: 10_000, bytes: 16 * 1_048_576 };
/** Bytes in one page; a single larger event is a page of its own. */
const PAGE_BYTES = 262_144;
/** Ids of events that are known, so that these are not added again. */
const IDS = 10_000;
/** Milliseconds for which a queue is kept that nobody uses. */
const UNUSED = 7 * 24 * 3_600_000;

/**
 * KEYS: the stream of events, what is known of the queue, who was reported present, the ids of the last events. ARGV:
 * events that were lost, then event, kind, name, 1 or 0, and id for each; '' for none. An id without an event is one more that
 * was lost. A version is a time in
 * microseconds, and higher than the last. Returns how many old events were dropped.
 */
const ADD_SCRIPT = scriptOf(`
local stream, state, here, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local version = math.max(time[1] * 1000000 + time[2], (redis.call('HGET', state, 'version') or 0) + 1)
local missed = tonumber(ARGV[1])
for at = 2, #ARGV, 5 do
  local event, kind, name, id = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
  local isNews = kind == '' or redis.call(ARGV[at + 3] == '1' and 'SADD' or 'SREM', here, kind .. ' ' .. name) == 1
  if id ~= '' then isNews = redis.call('ZADD', ids, 'NX', string.format('%.0f', version), id) == 1 end
  if isNews and event == '' and id ~= '' then missed = missed + 1 end
  if isNews and event ~= '' then
    local text = string.format('%.0f', version)
    redis.call('XADD', stream, text .. '-0', 'e', event)
    redis.call('HSET', state, 'version', text)
    redis.call('HINCRBY', state, 'bytes', #event)
    version = version + 1
  end
end
local dropped = 0
while redis.call('XLEN', stream) > ${MOST.events}
  or tonumber(redis.call('HGET', state, 'bytes') or 0) > ${MOST.bytes} and redis.call('XLEN', stream) > 1 do
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', stream, oldest[1])
  redis.call('HINCRBY', state, 'bytes', -#oldest[2][2])
  dropped = dropped + 1
end
missed = missed + dropped
if missed > 0 then redis.call('HINCRBY', state, 'missed', missed) end
redis.call('ZREMRANGEBYRANK', ids, 0, ${-IDS - 1})
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ${UNUSED}) end
return dropped
`);

/** KEYS: as above. ARGV: how many. Returns how many were missed, then version and event of each. */
const PAGE_SCRIPT = scriptOf(`
local answer = { redis.call('HGET', KEYS[2], 'missed') or '0' }
local bytes = 0
for n, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])) do
  local event = entry[2][2]
  bytes = bytes + #event
  if n > 1 and bytes > ${PAGE_BYTES} then break end
  answer[#answer + 1] = string.match(entry[1], '^%d+')
  answer[#answer + 1] = event
end
return answer
`);

/** KEYS: as above. ARGV: how many missed events were reported, then versions. */
const ACKNOWLEDGE_SCRIPT = scriptOf(`
for at = 2, #ARGV do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[at] .. '-0', ARGV[at] .. '-0')[1]
  if entry then
    redis.call('XDEL', KEYS[1], entry[1])
    redis.call('HINCRBY', KEYS[2], 'bytes', -#entry[2][2])
  end
end
if tonumber(ARGV[1]) > 0 then redis.call('HINCRBY', KEYS[2], 'missed', -ARGV[1]) end
return 0
`);

const HERE_SCRIPT = scriptOf("return redis.call('SMEMBERS', KEYS[1])");

/** A stream for each queue. */
export class RedisQueues implements EventQueues {
  readonly #access: RedisAccess;

  constructor(access: RedisAccess) {
    this.#access = access;
  }

  async add(queue: string, news: readonly QueuedNews[], lost: number): Promise<{ dropped: number }> {
    const words = news.flatMap(({ event = '', change, id = '' }) => [
      event,
      change?.kind ?? '',
      change?.name ?? '',
      change?.isHere ? '1' : '0',
      id,
    ]);
    return { dropped: Number(await this.#run(queue, ADD_SCRIPT, [lost, ...words])) };
  }

  async page(queue: string, most: number): Promise<QueuePage | undefined> {
    const [missed, ...parts] = (await this.#run(queue, PAGE_SCRIPT, [most])) as string[];
    const events: { version: number; event: string }[] = [];
    for (let at = 0; at < parts.length; at += 2) events.push({ version: Number(parts[at]), event: parts[at + 1]! });
    const [first] = events;
    return first && { events, first: first.version, last: events.at(-1)!.version, missed: Number(missed) };
  }

  async acknowledge(queue: string, { events, missed }: Pick<QueuePage, 'events' | 'missed'>): Promise<void> {
    await this.#run(queue, ACKNOWLEDGE_SCRIPT, [missed, ...events.map(({ version }) => version)]);
  }

  async here(queue: string, kind: string): Promise<string[]> {
    const { partition, keys } = this.#namesOf(queue);
    const all = (await this.#access.run(partition, HERE_SCRIPT, [keys[2]!], [])) as string[];
    const start = `${kind} `;
    return all.flatMap((one) => (one.startsWith(start) ? [one.slice(start.length)] : []));
  }

  #run(queue: string, script: typeof ADD_SCRIPT, args: readonly (string | number)[]): Promise<unknown> {
    const { partition, keys } = this.#namesOf(queue);
    return this.#access.run(partition, script, keys, args);
  }

  /** A queue's name may be long, and have secrets in it. */
  #namesOf(queue: string): { partition: number; keys: string[] } {
    const partition = this.#access.partitionOf(`queue ${queue}`);
    const base = `${this.#access.base(partition)}:queue:${hash('sha256', queue, 'base64url').slice(0, 22)}`;
    return { partition, keys: ['events', 'state', 'here', 'ids'].map((part) => `${base}:${part}`) };
  }
}
