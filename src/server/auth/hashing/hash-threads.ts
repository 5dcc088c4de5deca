import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashQuestion } from './hash-worker.ts';

/** Compares a password with a hash that `readHash` accepts. */
export interface Hashing {
  /** @throws Error when it could not be done. */
  verify(password: string, hash: string): Promise<boolean>;
  /** What is being checked fails. */
  close(): void;
}

/** Each check has a thread to itself, which is kept for the next one. The caller bounds how many work at a time. */
export class HashThreads implements Hashing {
  readonly #all = new Set<Worker>();
  readonly #idle: Worker[] = [];
  #isClosed = false;

  async verify(password: string, hash: string): Promise<boolean> {
    if (this.#isClosed) throw new Error('the check of passwords is closed');
    const worker = this.#idle.pop() ?? this.#start();
    const answer = await ask(worker, { password, hash });
    this.#idle.push(worker);
    if ('failure' in answer) throw new Error(answer.failure);
    return answer.isRight;
  }

  close(): void {
    this.#isClosed = true;
    for (const worker of this.#all) void worker.terminate();
  }

  #start(): Worker {
    // The worker's file has the same extension as this one: .ts in the sources, .js in the package.
    const worker = new Worker(new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url));
    worker.unref();
    this.#all.add(worker);
    // An error ends the thread, too.
    worker.on('error', () => {});
    worker.on('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return worker;
  }
}

function ask(worker: Worker, question: HashQuestion): Promise<HashAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void) => {
      worker.off('message', onMessage).off('error', reject).off('exit', onExit);
      work();
    };
    const onMessage = (answer: HashAnswer) => settle(() => resolve(answer));
    const onExit = () => settle(() => reject(new Error('the thread that checks passwords ended')));
    worker.on('message', onMessage).on('error', reject).on('exit', onExit);
    worker.postMessage(question);
  });
}
