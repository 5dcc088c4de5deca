import { ZocaloError } from '../../errors.ts';
import { CLOSE, type UpgradeAnswer, type UpgradeRequest, type User } from '../../websocket/index.ts';
import { aboutText, type Client, type Clients } from './clients.ts';
import { type Command, type ReadyOptions, readCommand } from './command.ts';
import type { ConversationOptions, HowEnded, RunningProgram } from './conversation-options.ts';
import { lineOf } from './event-line.ts';
import { EventQueue, type ProgramEvent } from './event-queue.ts';
import { GivenEvents } from './given-events.ts';
import { PendingHandshakes } from './pending-handshakes.ts';

export const UNAVAILABLE = 'UNAVAILABLE: too many messages wait for the program; send this again later';
/** Milliseconds in which a program may say that it is ready; one that does not is given its events all the same. */
const READY_WITHIN = 2_000;
/** Characters that it may say before the `done` or `flush` with which they take effect. */
const SAID = 64 * 1024 * 1024;
/** Milliseconds between two checks of the time limit. */
const LOOK = 500;
/** How many events, and characters of them, a program may have before it acknowledges any. */
const WINDOW = { events: 4_096, size: 256 * 1024 } as const;
/** Characters of a line with several messages, about. */
const LINE = 64 * 1024;
/** A program that died so many times with an event gets it alone; if it dies once more, the event is dropped. */
const SUSPECT = 2;
/** The same for one that was killed from outside, which the event need not have caused. */
const KILLED = 5;

/**
 * Connects clients with a program, whose process may end and start again. What a process says takes effect at the
 * `done` of its events, all of it or nothing. Events that it did not acknowledge are given to the next process.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #clients: Clients;
  readonly #queue: EventQueue;
  readonly #since = Math.floor(Date.now() / 1000);
  readonly #given = new GivenEvents();
  readonly #handshakes = new PendingHandshakes();
  readonly #stopLooking: () => void;
  #numbers = 0;
  #program: RunningProgram | null = null;
  /** Whether the process has said that it is ready, or is treated as ready. */
  #isReady = false;
  #ready: ReadyOptions = {};
  /** Whether its earlier processes said that they were ready; undefined before the first. */
  #saysReady: boolean | undefined;
  #cancelWait = () => {};
  /** What it has said since its last `done`. */
  #said: Command[] = [];
  #saidSize = 0;
  /** Events that it has acknowledged. */
  #done = 0;
  #sizeInFlight = 0;
  #progressAt = 0;
  #isPumping = false;
  /** One that does not acknowledge has not read what it was given. */
  #isBehind = false;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#clients = options.clients;
    this.#queue = new EventQueue(options.waiting);
    this.#stopLooking = options.clock.every(LOOK, () => this.#look());
  }

  /** Whether the program has handled everything. */
  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  stop(): void {
    this.#stopLooking();
    this.#cancelWait();
    this.#handshakes.refuseAll(503);
  }

  // ——— from the clients

  /** The number of a new connection, or whether it is refused. */
  upgrade(request: UpgradeRequest): UpgradeAnswer | Promise<UpgradeAnswer> {
    if (this.#queue.isFull)
      return { refuse: 503, reason: 'The program is not running, or too slow', headers: { 'Retry-After': '10' } };
    const number = ++this.#numbers;
    const protocol = this.#protocolOf(request);
    if (!this.#ready.checks) return { data: number, ...(protocol && { protocol }) };
    const answer = this.#handshakes.wait(number, request);
    this.#push({ verb: 'upgrade', number, request, deaths: 0 });
    return answer;
  }

  /** A handshake took too long, or its client has left: the answer no longer matters. */
  giveUp(request: UpgradeRequest): void {
    const number = this.#handshakes.giveUp(request);
    if (number !== undefined) this.#queue.withdraw('upgrade', number);
  }

  connect(user: User): Client {
    const client = this.#clients.add(user.data as number, user);
    user.data = client;
    this.#push({ verb: 'connect', number: client.number, client, deaths: 0 });
    return client;
  }

  message(client: Client, message: string | Buffer): void {
    const queue = this.#queue;
    if (queue.isFull || (queue.isShareFull(client) && !this.#isReady)) {
      if (this.#options.whenFull === 'answer') client.user.send(UNAVAILABLE);
      else client.user.close(CLOSE.TRY_AGAIN_LATER, 'too many messages wait for the program');
      return;
    }
    const { number } = client;
    this.#push(
      typeof message === 'string'
        ? { verb: 'message', number, client, text: JSON.stringify(message), deaths: 0 }
        : { verb: 'binary', number, client, text: message.toString('base64'), deaths: 0 },
    );
    // One client alone cannot make others be refused; a program that runs will get there.
    if (client.isPaused || !this.#isReady || !queue.isShareFull(client)) return;
    client.isPaused = true;
    client.user.pause();
  }

  disconnect(client: Client, code: number): void {
    // The program need not hear of one who came and went without a word before it could, or whom it failed to meet.
    const { isKnown, load, number } = client;
    if (!isKnown && (load === 0 || (load === 1 && this.#queue.withdraw('connect', number))))
      this.#clients.forget(client);
    else this.#push({ verb: 'disconnect', number, client, code, deaths: 0 });
  }

  #protocolOf({ protocols }: UpgradeRequest): string | undefined {
    return protocols.find((name) => this.#ready.protocols?.includes(name));
  }

  #push(event: ProgramEvent): void {
    this.#queue.push(event);
    this.#pumpLater();
  }

  #pumpLater(): void {
    if (this.#isPumping || !this.#mayGive()) return;
    this.#isPumping = true;
    this.#options.defer(this.#pump);
  }

  // ——— to the program

  /** A process has started. */
  started(program: RunningProgram): void {
    this.#program = program;
    this.#isReady = false;
    this.#given.clear();
    this.#said = [];
    this.#saidSize = 0;
    this.#done = 0;
    this.#sizeInFlight = 0;
    this.#isBehind = false;
    this.#progressAt = this.#options.clock.now();
    program.send(JSON.stringify(['hello', 0, { version: this.#options.version, since: this.#since }]));
    if (this.#saysReady === undefined)
      this.#cancelWait = this.#options.clock.after(READY_WITHIN, () => this.#begin(undefined));
    else if (!this.#saysReady) this.#begin(undefined);
  }

  /** From here on it gets events. `options`: what it says of itself, if it says anything. */
  #begin(options: ReadyOptions | undefined): void {
    this.#cancelWait();
    this.#isReady = true;
    this.#saysReady = options !== undefined;
    this.#ready = options ?? {};
    const program = this.#program!;
    for (const { number, user } of this.#clients.known()) program.send(`["here",${number},${aboutText(user.request)}]`);
    this.#options.onReady(this.#ready);
    this.#pump();
  }

  readonly #pump = (): void => {
    this.#isPumping = false;
    const queue = this.#queue;
    const program = this.#program;
    if (!this.#mayGive() || !program) return;
    if (queue.inFlight === 0) this.#progressAt = this.#options.clock.now();
    // Joined, not concatenated: a text that is made of many parts would have to be put together again to be written.
    let messages: string[] = [];
    let size = 0;
    let goesOn = true;
    const end = () => {
      if (messages.length > 0) goesOn = program.send(`["message",${messages.join()}]`);
      messages = [];
      this.#sizeInFlight += size;
      size = 0;
    };
    while (this.#mayGiveAnother()) {
      const event = queue.next();
      if (!event) break;
      if (event.verb === 'message') {
        messages.push(`${event.number},${event.text}`);
        size += event.text.length;
        if (!this.#ready.turns || size > LINE) end();
      } else {
        end();
        const line = lineOf(event);
        this.#sizeInFlight += line.length;
        goesOn = program.send(line);
      }
    }
    end();
    program.flush();
    if (this.#ready.acknowledges) return;
    this.#given.add(queue.inFlight, this.#sizeInFlight);
    this.#sizeInFlight = 0;
    if (!goesOn) this.#waitFor(program);
    this.#acknowledge(queue.inFlight);
    if (queue.length > 0) this.#pumpLater();
  };

  /** Gives it nothing more until it has read what it was given. */
  #waitFor(program: RunningProgram): void {
    this.#isBehind = true;
    void program.drained().then(() => {
      if (this.#program !== program) return;
      this.#isBehind = false;
      this.#pumpLater();
    });
  }

  /** A program that works in turns gets all that has come meanwhile when it is done. */
  #mayGive(): boolean {
    return this.#isReady && !this.#isBehind && (this.#queue.inFlight === 0 || !this.#ready.turns);
  }

  #mayGiveAnother(): boolean {
    const { first, inFlight } = this.#queue;
    if (inFlight === 0) return true;
    return first!.deaths < SUSPECT && inFlight < WINDOW.events && this.#sizeInFlight < WINDOW.size;
  }

  // ——— from the program

  line(line: string): void {
    if (!this.#program) return;
    const command = readCommand(line);
    if (typeof command === 'string') {
      const err = new ZocaloError(
        'PROGRAM_BAD_LINE',
        `the program ${this.#options.name} wrote a line that cannot be used: ${command}`,
      );
      const fields = { program: this.#options.name, err, line: line.slice(0, 200) };
      this.#options.log.write('error', 'line', fields, 'a line of a program is ignored');
      return;
    }
    if (!this.#isReady) this.#begin(command.verb === 'ready' ? command.options : undefined);
    else if (command.verb === 'ready') this.#unexpected('ready, which must be its first line');
    if (command.verb === 'ready') return;
    if (command.verb === 'done') this.#doneUpTo(command.count);
    else if (command.verb === 'flush') this.#applyAll();
    else if (this.#ready.acknowledges) this.#keep(command, line.length);
    else this.#apply(command);
  }

  #keep(command: Command, size: number): void {
    this.#said.push(command);
    this.#saidSize += size;
    if (this.#saidSize <= SAID) return;
    const { name } = this.#options;
    const err = new ZocaloError('PROGRAM_TOO_MUCH', `the program ${name} said more than ${SAID} bytes without done`);
    const program = this.#program!;
    this.#blame(this.#giveUpProcess());
    program.fail(err);
  }

  #doneUpTo(count: number): void {
    const newly = count - this.#done;
    if (!this.#ready.acknowledges || newly < 0 || newly > this.#queue.inFlight) {
      this.#unexpected(`done ${count}, and was given ${this.#done + this.#queue.inFlight}`);
      return;
    }
    this.#done = count;
    if (newly > 0) this.#progressAt = this.#options.clock.now();
    this.#applyAll(newly);
    if (this.#queue.inFlight === 0) this.#sizeInFlight = 0;
    if (this.#queue.length > this.#queue.inFlight) this.#pumpLater();
  }

  /** What it said takes effect, and the first `count` events are handled. */
  #applyAll(count = 0): void {
    const said = this.#said;
    this.#said = [];
    this.#saidSize = 0;
    const handled = this.#acknowledge(count);
    for (const command of said) this.#apply(command);
    for (const client of handled) this.#clients.forget(client);
  }

  /** Takes handled events out of the queue. Returns the clients whose `disconnect` was among them. */
  #acknowledge(count: number): Client[] {
    const gone: Client[] = [];
    for (let i = 0; i < count; i++) {
      const event = this.#queue.take();
      if (event.verb === 'connect') this.#clients.meet(event.client);
      else if (event.verb === 'disconnect') gone.push(event.client);
      else if (event.verb !== 'upgrade') this.#letGoOn(event.client);
    }
    return gone;
  }

  #letGoOn(client: Client): void {
    if (!client.isPaused || !this.#queue.hasRoomFor(client)) return;
    client.isPaused = false;
    client.user.resume();
  }

  #apply(command: Command): void {
    switch (command.verb) {
      case 'send': {
        const { pairs } = command;
        for (let i = 1; i < pairs.length; i += 2) this.#clients.send(pairs[i] as number, pairs[i + 1] as string);
        break;
      }
      case 'sendBinary':
        this.#clients.send(command.to, command.bytes);
        break;
      case 'close':
        this.#clients.get(command.number)?.user.close(command.code, command.reason);
        break;
      case 'accept': {
        const { number, protocol } = command;
        if (!this.#handshakes.accept(number, protocol))
          this.#unexpected(`accept with the protocol ${protocol}, which the client has not offered`);
        break;
      }
      case 'refuse':
        this.#handshakes.refuse(command.number, command.status, 'The program refused');
    }
  }

  #unexpected(what: string): void {
    const { name, log } = this.#options;
    const err = new ZocaloError('PROGRAM_UNEXPECTED_ANSWER', `the program ${name} said ${what}`);
    log.write('error', 'answer', { program: name, err }, 'an answer of a program is ignored');
  }

  // ——— the end of a process

  /** `unread`: the bytes that it had not read, at most. */
  ended(how: HowEnded, unread = 0): void {
    this.#cancelWait();
    const { log, name } = this.#options;
    const lost = this.#given.within(unread); // of those that it was to acknowledge none are lost
    const sentence = `the program ${name} had not read all that it was given: up to ${lost} events are lost`;
    if (lost > 0) log.write('error', 'lost', { program: name, lost }, sentence);
    const suspects = this.#giveUpProcess();
    if (how !== 'stopped') this.#blame(suspects, how);
  }

  #blame(suspects: readonly ProgramEvent[], how: HowEnded = 'crashed'): void {
    // A program that works in turns has acknowledged all events before the one that ended it.
    const blamed = how === 'exited' && this.#ready.turns ? suspects.slice(0, 1) : suspects;
    for (const event of blamed) event.deaths++;
    const enough = how === 'killed' ? KILLED : SUSPECT;
    if (suspects.length === 1 && suspects[0]!.deaths > enough) this.#drop('has ended each time that it got it');
  }

  /** From here on there is no process. Returns the events that the last one did not finish. */
  #giveUpProcess(): ProgramEvent[] {
    const events = this.#isReady ? this.#queue.takeBack() : [];
    this.#program = null;
    this.#isReady = false;
    this.#isBehind = false;
    return events;
  }

  #look(): void {
    const { clock, timeout, name } = this.#options;
    const isBusy = this.#queue.inFlight > 0 || this.#isBehind || (this.#saysReady === true && !this.#isReady);
    if (!this.#program || !isBusy || clock.now() - this.#progressAt < timeout) return;
    const program = this.#program;
    const suspects = this.#giveUpProcess(); // from now on its lines are ignored
    if (suspects.length === 1) this.#drop(`did not handle it within ${timeout / 1000} s`);
    else for (const event of suspects) event.deaths = SUSPECT; // the next process gets each of them alone
    const happened = `the program ${name} did nothing for ${timeout / 1000} s`;
    program.fail(new ZocaloError('PROGRAM_TIMEOUT', happened, { advice: 'answer sooner, or raise --timeout' }));
  }

  /** Gives up the first event. */
  #drop(why: string): void {
    const { name, log } = this.#options;
    this.#queue.next();
    const event = this.#queue.take();
    const fields = { program: name, event: event.verb, connection: event.number };
    log.write('error', 'dropped', fields, `an event was dropped: the program ${name} ${why}`);
    if (event.verb === 'connect') event.client.user.close(CLOSE.INTERNAL_ERROR, 'the program failed');
    else if (event.verb === 'disconnect') this.#clients.forget(event.client);
    else if (event.verb === 'upgrade') this.#handshakes.refuse(event.number, 500, 'The program failed');
    else this.#letGoOn(event.client);
  }
}
