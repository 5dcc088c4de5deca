import { type RedisAccess, scriptOf } from '../../broker/index.ts';
import type { NoticeBoard, NoticeListener } from '../notices.ts';
import { clusterNames } from './names.ts';

/** Notices that are kept; the oldest are dropped. */
const KEPT = 1_000_000;
/** Notices in one answer. */
const PAGE = 1_000;
/** Milliseconds of notices that are read again after a connection was lost, since a failover may have reordered them. */
const AGAIN = 3_600_000;

/** KEYS: the stream. ARGV: the command to announce, the topic, the notice. */
const POST_SCRIPT = scriptOf(`
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ${KEPT}, '*', 't', ARGV[3])
redis.call(ARGV[1], ARGV[2], id)
return id
`);

/** KEYS: the stream. ARGV: the id after which to read. Returns now in milliseconds, then id and text of each notice. */
const READ_SCRIPT = scriptOf(`
local time = redis.call('TIME')
local answer = { string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ${PAGE})) do
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][2]
end
return answer
`);

/** A stream, read from its beginning when a node starts. */
export class RedisBoard implements NoticeBoard {
  readonly #access: RedisAccess;
  #listener: NoticeListener = () => {};
  #last = '0-0';
  #reading: Promise<void> | undefined;
  #again = false;
  #unlisten = (): void => {};

  constructor(access: RedisAccess) {
    this.#access = access;
  }

  follow(listener: NoticeListener): void {
    this.#listener = listener;
  }

  async post(text: string): Promise<void> {
    const { partition, stream } = this.#names;
    await this.#access.run(partition, POST_SCRIPT, [stream], [this.#access.announce, stream, text]);
    await this.read();
  }

  /** Rejects with LOG_…. */
  async open(): Promise<void> {
    this.#unlisten = await this.#access.listen(this.#names.stream, () => void this.read().catch(() => {}));
    await this.read();
  }

  close(): void {
    this.#unlisten();
  }

  /** Tells what is new. Rejects with LOG_…. */
  read(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Tells the newest again. Rejects with LOG_…. */
  async readAgain(): Promise<void> {
    await this.#reading?.catch(() => {});
    const last = Number(this.#last.split('-')[0]);
    this.#last = `${Math.max(0, last - AGAIN)}-0`;
    await this.read();
  }

  get #names(): { partition: number; stream: string } {
    const { partition, base } = clusterNames(this.#access);
    return { partition, stream: `${base}:notices` };
  }

  async #read(): Promise<void> {
    const { partition, stream } = this.#names;
    while (this.#again) {
      this.#again = false;
      const [now, ...parts] = (await this.#access.run(partition, READ_SCRIPT, [stream], [this.#last])) as string[];
      for (let at = 0; at < parts.length; at += 2) {
        this.#last = parts[at]!;
        this.#listener(parts[at + 1]!, Math.max(0, Number(now) - Number(this.#last.split('-')[0])));
      }
      if (parts.length === 2 * PAGE) this.#again = true;
    }
  }
}
