import type { TestContext } from 'node:test';

/** A client of `zocalo.1` without a WebSocket, by hand: it says lines, and hears events. */
export class HttpPeer {
  /** The session's id, as the server told it. */
  readonly id: string;
  /** The events that follow, as they come. */
  readonly events: AsyncGenerator<string, undefined>;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  #number = 0;

  constructor(id: string, events: AsyncGenerator<string, undefined>, url: string, headers: Record<string, string>) {
    this.id = id;
    this.events = events;
    this.#url = url;
    this.#headers = headers;
  }

  /** `url`: of HTTP. The session ends with the test. */
  static async open(t: TestContext, url: string, headers: Record<string, string> = {}): Promise<HttpPeer> {
    const abort = new AbortController();
    t.after(() => abort.abort());
    const response = await HttpPeer.ask(url, headers, abort.signal);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const events = eventsOf(response);
    const { value = '' } = await events.next();
    const id = /^event: open\ndata: (\S+)$/.exec(value)?.[1];
    if (id === undefined) throw new Error(`the first event is ${value}`);
    return new HttpPeer(id, events, url, headers);
  }

  /** Asks for a session. */
  static ask(url: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const all = { ...headers, accept: 'text/event-stream' };
    return fetch(`${url}/?zocalo=a`, { method: 'POST', headers: all, ...(signal && { signal }) });
  }

  /** Says lines by a request, and answers its status. */
  say(lines: string): Promise<number> {
    return this.send(`["session",${JSON.stringify(this.id)},${++this.#number}]\n${lines}`);
  }

  /** Sends a body, and answers the status. */
  async send(body: string, headers: Record<string, string> = {}): Promise<number> {
    const all = { ...this.#headers, ...headers };
    const response = await fetch(`${this.#url}/?zocalo=a`, { method: 'POST', body, headers: all });
    await response.text();
    return response.status;
  }

  /** The next event that has `text` in it. */
  async hears(text: string): Promise<string> {
    for (;;) {
      const { done, value } = await this.events.next();
      if (done) throw new Error(`the stream ended before ${text} came`);
      if (value.includes(text)) return value;
    }
  }
}

async function* eventsOf({ body }: Response): AsyncGenerator<string, undefined> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ; ) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    const events = (rest + value).split('\n\n');
    rest = events.pop()!;
    yield* events;
  }
}
