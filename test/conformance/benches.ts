import { createServer, type Server, type Socket } from 'node:net';
import type { Case, Verdict } from './case.ts';
import type { Negotiation } from './deflate.ts';
import * as http from './handshake.ts';
import { play } from './play.ts';
import { RawPeer } from './raw-peer.ts';
import type { ClientOptions, Subject } from './under-test.ts';

/** A test bench holds the implementation in one role, and puts a raw peer before it for each case. */
export interface Bench {
  run(scenario: Case): Promise<Verdict>;
  stop(): Promise<void>;
}

const NO_DEFLATE: Negotiation = { offer: '', accept: () => undefined };

/** The subject is the server. */
export class ServerBench implements Bench {
  readonly port: number;
  #stop: () => Promise<void>;

  constructor(port: number, stop: () => Promise<void>) {
    this.port = port;
    this.#stop = stop;
  }

  static async start(subject: Subject): Promise<ServerBench> {
    const { port, stop } = await subject.serve();
    return new ServerBench(port, stop);
  }

  async run(scenario: Case): Promise<Verdict> {
    const { offer } = scenario.deflate ?? NO_DEFLATE;
    const { socket, head } = await this.ask(
      http.request(offer ? { 'Sec-WebSocket-Extensions': offer } : {}, `GET ${scenario.path ?? '/echo'} HTTP/1.1`),
    );
    try {
      const wrong = http.wrongWithResponse(head);
      if (wrong) return { grade: 'FAILED', why: wrong };
      const deflate = http.deflateFromAnswer(offer, head!);
      if (offer && !deflate) return { grade: 'UNIMPLEMENTED' };
      return await play(scenario, new RawPeer(socket, 'client', deflate).start(head!.rest));
    } catch (error) {
      return { grade: 'FAILED', why: (error as Error).message };
    } finally {
      socket.destroy();
    }
  }

  /** Sends a request and waits for the head of the response. */
  async ask(request: string | Buffer): Promise<{ socket: Socket; head: http.Head | undefined }> {
    const socket = await http.dial(this.port);
    socket.write(request);
    return { socket, head: await http.readHead(socket) };
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

/** A client under test that has sent its request. */
export interface Visit {
  socket: Socket;
  head: http.Head;
  /** Settles when the client has noticed that it is over: true when it had opened. */
  opened: Promise<boolean>;
}

/** The subject is the client. */
export class ClientBench implements Bench {
  #subject: Subject;
  #server: Server;
  #visitors = new Map<string, (socket: Socket, head: http.Head) => void>();
  #count = 0;

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#server = createServer((socket) => this.#receive(socket));
  }

  static async start(subject: Subject): Promise<ClientBench> {
    const bench = new ClientBench(subject);
    await new Promise<void>((resolve) => bench.#server.listen(0, '127.0.0.1', resolve));
    return bench;
  }

  /** Sends the client to the raw server. */
  async invite(options: ClientOptions = {}): Promise<Visit> {
    const path = `/visit/${++this.#count}`;
    const { port } = this.#server.address() as { port: number };
    const visit = new Promise<{ socket: Socket; head: http.Head }>((resolve) => {
      this.#visitors.set(path, (socket, head) => resolve({ socket, head }));
    });
    const opened = this.#subject.connect(`ws://127.0.0.1:${port}${path}`, options).then(
      () => true,
      () => false,
    );
    const early = opened.then(() => {
      throw new Error('the client gave up before it sent a request');
    });
    early.catch(() => {});
    return { ...(await Promise.race([visit, early])), opened };
  }

  async run(scenario: Case): Promise<Verdict> {
    const { socket, head, opened } = await this.invite(scenario.client);
    try {
      const wrong = http.wrongWithRequest(head);
      if (wrong) return { grade: 'FAILED', why: wrong };
      const { answer, deflate } = http.answerOffers(head, scenario.deflate ?? NO_DEFLATE);
      if (scenario.deflate && !deflate) return { grade: 'UNIMPLEMENTED' };
      const fields = answer ? { 'Sec-WebSocket-Extensions': answer } : {};
      socket.write(http.response(http.field(head, 'sec-websocket-key'), fields));
      const verdict = await play(scenario, new RawPeer(socket, 'server', deflate).start(head.rest));
      socket.destroy();
      return (await opened) ? verdict : { grade: 'FAILED', why: 'the client says that it never opened' };
    } catch (error) {
      return { grade: 'FAILED', why: (error as Error).message };
    } finally {
      socket.destroy();
    }
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #receive(socket: Socket): Promise<void> {
    const head = await http.readHead(socket);
    const path = head?.line.split(' ')[1] ?? '';
    this.#visitors.get(path)?.(socket, head!);
    this.#visitors.delete(path);
  }
}
