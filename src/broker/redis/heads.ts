import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import { HEADS_SCRIPT } from './scripts.ts';

export type Head = readonly [epoch: string, head: number];

interface Question {
  readonly key: string;
  readonly partition: number;
  readonly resolve: (head: Head | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Logs in one call. */
const BATCH = 256;

/** Epochs and heads of logs: what is asked in one turn of the event loop shares calls. */
export class Heads {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #isCluster: boolean;
  #questions: Question[] = [];

  /** `isCluster`: a call may only ask for logs of one partition. */
  constructor(link: Link, keys: Keys, isCluster: boolean) {
    this.#link = link;
    this.#keys = keys;
    this.#isCluster = isCluster;
  }

  /** Undefined for a log that does not exist. */
  of(channel: string): Promise<Head | undefined> {
    const { log: key, partition } = this.#keys.of(channel);
    return new Promise((resolve, reject) => {
      if (this.#questions.push({ key, partition, resolve, reject }) === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const questions = this.#questions;
    this.#questions = [];
    const groups = Map.groupBy(questions, ({ partition }) => (this.#isCluster ? partition : 0));
    for (const [partition, group] of groups)
      for (let at = 0; at < group.length; at += BATCH) void this.#ask(partition, group.slice(at, at + BATCH));
  }

  async #ask(partition: number, questions: readonly Question[]): Promise<void> {
    try {
      const keys = questions.map(({ key }) => key);
      const heads = (await this.#link.run(partition, HEADS_SCRIPT, keys, [])) as (string | null)[];
      for (const [at, { resolve }] of questions.entries()) {
        const [epoch, , head] = heads[at]?.split(' ', 3) ?? [];
        resolve(epoch === undefined ? undefined : [epoch, Number(head)]);
      }
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }
}
