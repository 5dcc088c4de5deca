import { type Change, Copy } from '../../../src/nodes/redis/copy.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { turn } from '../../support/turn.ts';

interface Question {
  answer: readonly string[] | undefined;
  readonly resolve: (answer: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

/** How each member is shown here. */
const SHOWN = 's';

/**
 * A group in a store, and the copy of it that a node has. What is announced and what is answered comes when the test says
 * so, if at all.
 */
export class CopiedGroup {
  readonly clock = new FakeClock();
  /** What became of the group, in its order. */
  readonly announced: string[] = [];
  /** What the listener of the copy was told. */
  readonly told: string[] = [];
  /** Whom the listener knows. */
  readonly known = new Set<string>();
  /** Announcements that are on their way. */
  readonly coming: Change[] = [];
  missed = 0;
  isQuiet = false;
  readonly copy: Copy;
  #members = new Set<string>();
  #version = 0;
  #time = 1_000;
  readonly #past: { members: ReadonlySet<string>; version: number }[] = [];
  readonly #questions: Question[] = [];

  constructor() {
    const tell = (text: string, isWrong: boolean) => {
      if (isWrong) throw new Error(`${text} after ${this.told.join(' ')}`);
      this.told.push(text);
    };
    this.copy = new Copy({
      clock: this.clock,
      listener: {
        onShown: (member) => {
          tell(`+${member}`, this.known.has(member));
          this.known.add(member);
        },
        onGone: (member) => tell(`-${member}`, !this.known.delete(member)),
      },
      fetch: () => new Promise((resolve, reject) => this.#questions.push({ answer: undefined, resolve, reject })),
      isQuiet: () => this.isQuiet,
      onMissed: () => {
        this.missed++;
      },
    });
  }

  get members(): ReadonlySet<string> {
    return this.#members;
  }

  /** Those who are here go, and the others come; as the script does it. */
  change(...members: readonly string[]): Change {
    this.#past.push({ members: new Set(this.#members), version: this.#version });
    const parts: string[] = [];
    for (const member of new Set(members)) {
      const isGone = this.#members.delete(member);
      if (!isGone) this.#members.add(member);
      const text = `${isGone ? '-' : '+'}${member}`;
      parts.push(text, isGone ? '' : SHOWN);
      this.announced.push(text);
    }
    const change: Change = { before: this.#version, after: Math.max(++this.#time, this.#version + 1), parts };
    this.#version = this.#members.size === 0 ? 0 : change.after;
    this.coming.push(change);
    return change;
  }

  /** The store loses its last changes; `skew`: the clock of the server that has them now. */
  loseEnd(count: number, skew: number): void {
    for (let n = 0; n < count && this.#past.length > 0; n++) {
      const { members, version } = this.#past.pop()!;
      this.#members = new Set(members);
      this.#version = version;
    }
    this.#time += skew;
  }

  read(): void {
    this.copy.fetch().catch(() => {});
  }

  /** As a node does now and then. */
  check(): void {
    if (!this.copy.has(this.#version)) this.read();
  }

  /** The announcement comes that is the n-th of those on their way. */
  async hear(n = 0): Promise<void> {
    const [change] = this.coming.splice(n, 1);
    if (change && !this.copy.take(change)) this.read();
    await turn();
  }

  /** It never comes. */
  lose(): void {
    this.coming.shift();
  }

  /** The store answers a question, as it is now. */
  serve(): void {
    const question = this.#questions.find(({ answer }) => !answer);
    if (question)
      question.answer = [`${this.#version || this.#time}`, ...[...this.#members].flatMap((member) => [member, SHOWN])];
  }

  /** The answer comes; `isLost`: an error instead. */
  async answer(isLost = false): Promise<void> {
    const [question] = this.#questions;
    if (isLost && question) question.reject(new Error('the connection was lost'));
    else if (question?.answer) question.resolve(question.answer);
    else return;
    this.#questions.shift();
    await turn();
  }

  async advance(time: number): Promise<void> {
    this.clock.advance(time);
    await turn();
  }

  /** The store answers, and the answer comes. */
  async settleAnswer(): Promise<void> {
    this.serve();
    await this.answer();
  }

  /** Answers all questions, until there are none. */
  async settle(): Promise<void> {
    do {
      while (this.#questions.length > 0) {
        this.serve();
        await this.answer();
      }
      await this.advance(1_000);
    } while (this.#questions.length > 0);
  }
}

/** One whose first members are known. */
export async function copiedGroup(...members: readonly string[]): Promise<CopiedGroup> {
  const group = new CopiedGroup();
  if (members.length > 0) group.change(...members);
  group.lose();
  group.read();
  await group.settle();
  group.announced.length = 0;
  group.told.length = 0;
  return group;
}
