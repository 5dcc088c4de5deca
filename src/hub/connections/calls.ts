import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Nodes } from '../../nodes/index.ts';
import { checkNames, type OptionNames } from '../../option-names.ts';
import { JsonText, LIMITS, ProtocolError } from '../../protocol/index.ts';
import type { ContractCheck } from '../contract-check.ts';
import { detailsOf } from '../error-answer.ts';
import type { Asked, Outcome } from './asked.ts';
import type { Users } from './users.ts';

export interface UserCallOptions {
  /** Milliseconds for the answer, at most an hour. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Rejects with its reason when it is aborted. The clients are told that the answer is not needed any more. */
  readonly signal?: AbortSignal | undefined;
  /** Only the connections on this node are asked; default false: those on all nodes. */
  readonly onlyHere?: boolean | undefined;
}

const NAMES: OptionNames<UserCallOptions> = { timeout: true, signal: true, onlyHere: true };
const TIMEOUT = 10_000;
const LONGEST = 3_600_000;
/** Milliseconds that the answer of another node may come later. */
const GRACE = 2_000;

export interface CallsParts {
  readonly nodes: Nodes;
  readonly users: Users;
  readonly clock: Clock;
  readonly contract: ContractCheck;
}

interface Question {
  readonly id: string;
  readonly user: string;
  readonly method: string;
  /** JSON. */
  readonly text: string;
  readonly timeout: number;
}

/** An outcome on its way between nodes. */
type Told =
  | { readonly text: string }
  | { readonly code: string; readonly message: string; readonly retryAfter?: number; readonly details?: unknown };

/**
 * Calls of the server that its clients answer. All connections of a user that offer the method are asked, on all nodes.
 * The first result counts, and the others are told that theirs is not needed; a refusal counts when there is nothing else.
 */
export class Calls {
  readonly #parts: CallsParts;
  /** What is asked here, with the functions that end it. */
  readonly #running = new Map<string, () => void>();

  constructor(parts: CallsParts) {
    this.#parts = parts;
    const bus = parts.nodes.others?.bus;
    bus?.answer('call', async (question) => toldOf(await this.#askHere(question as Question)));
    bus?.answer('called', (id) => this.#running.get(id as string)?.());
  }

  /** @throws ProtocolError UNAVAILABLE, NO_SUCH_METHOD, TIMEOUT, BAD_DATA, or the client's own; ZocaloError BAD_OPTION, LOG_…. */
  async call(user: string, method: string, data: unknown, options: UserCallOptions = {}): Promise<JsonText> {
    checkNames(options, NAMES, 'of user.call');
    const { timeout = TIMEOUT, signal } = options;
    if (!(timeout > 0 && timeout <= LONGEST))
      throw new ZocaloError('BAD_OPTION', `timeout cannot be ${timeout}`, {
        advice: `use up to ${LONGEST} milliseconds`,
      });
    if (typeof method !== 'string' || method.length < 1 || method.length > LIMITS.method)
      throw new ZocaloError('BAD_OPTION', 'that is not the name of a method', {
        advice: `use 1 to ${LIMITS.method} characters`,
      });
    if (signal?.aborted) throw signal.reason;
    const { text } = await this.#parts.contract.askOf(method, data);
    const question = { id: randomUUID(), user, method, text, timeout };
    const outcome = await this.#ask(question, options);
    if ('refusal' in outcome) throw outcome.refusal;
    return outcome.result;
  }

  async #ask(question: Question, { signal, onlyHere }: UserCallOptions): Promise<Outcome> {
    const others = onlyHere ? undefined : this.#parts.nodes.others;
    const bus = others?.bus;
    const elsewhere = (await others?.users.nodesOf(question.user))?.filter((node) => node !== bus!.node) ?? [];
    if (signal?.aborted) throw signal.reason;
    const end = () => {
      this.#running.get(question.id)?.();
      // A node that does not hear it waits until the time is over.
      if (elsewhere.length > 0) void bus!.ask('called', question.id, elsewhere).catch(() => {});
    };
    let abort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal!.reason);
      signal?.addEventListener('abort', abort);
    });
    const asked = elsewhere.map(async (node): Promise<Outcome> => {
      const { answers } = await bus!.ask('call', question, [node], question.timeout + GRACE);
      return outcomeOf(answers.get(node) as Told | undefined);
    });
    try {
      return await Promise.race([firstResult([this.#askHere(question), ...asked]), aborted]);
    } finally {
      signal?.removeEventListener('abort', abort);
      end();
    }
  }

  /** A result that breaks the contract is a refusal. Never rejects. */
  async #checked(user: string, method: string, outcome: Outcome): Promise<Outcome> {
    if ('refusal' in outcome) return outcome;
    try {
      const what = `what ${user} answered to ${method}`;
      return { result: await this.#parts.contract.answerOf(method, outcome.result, what) };
    } catch (refusal) {
      return { refusal: refusal as ProtocolError };
    }
  }

  /** Asks the connections on this node. Never rejects. */
  #askHere({ id, user, method, text, timeout }: Question): Promise<Outcome> {
    const { users, clock } = this.#parts;
    const refused = (code: string, sentence: string): Outcome => ({ refusal: new ProtocolError(code, sentence) });
    const connections = users.of(user) as readonly { readonly asked?: Asked }[];
    if (connections.length === 0) return Promise.resolve(refused('UNAVAILABLE', `${user} is not connected`));
    const able = connections.flatMap(({ asked }) => (asked?.methods.has(method) ? [asked] : []));
    if (able.length === 0) return Promise.resolve(refused('NO_SUCH_METHOD', `no client of ${user} answers ${method}`));
    return new Promise((resolve) => {
      let left = able.length;
      const done = (outcome: Outcome) => {
        cancel();
        this.#running.delete(id);
        for (const drop of drops) drop();
        resolve(outcome);
      };
      const late = () => done(refused('TIMEOUT', `no client of ${user} has answered ${method} in time`));
      const cancel = clock.after(timeout, late);
      this.#running.set(id, late);
      const data = JsonText.written(text);
      const answered = (outcome: Outcome) => {
        left -= 1;
        if ('result' in outcome || left === 0) done(outcome);
      };
      const drops = able.map((asked) =>
        asked.ask(method, data, (outcome) => void this.#checked(user, method, outcome).then(answered)),
      );
    });
  }
}

/** How much a refusal says, where there are several: one that was decided by a client says most. */
const rankOf = ({ refusal }: { readonly refusal: ProtocolError }) =>
  ['UNAVAILABLE', 'NO_SUCH_METHOD', 'TIMEOUT'].indexOf(refusal.code) >>> 0;

/** The first result, or when all have refused the refusal that says most. Rejects with what one rejects with. */
function firstResult(asked: readonly Promise<Outcome>[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let most: { readonly refusal: ProtocolError } | undefined;
    let left = asked.length;
    for (const one of asked)
      one.then((outcome) => {
        left -= 1;
        if ('result' in outcome) resolve(outcome);
        else if (!most || rankOf(outcome) > rankOf(most)) most = outcome;
        if (left === 0) resolve(most!);
      }, reject);
  });
}

function toldOf(outcome: Outcome): Told {
  if ('result' in outcome) return { text: outcome.result.text };
  const { code, message, retryAfter } = outcome.refusal;
  const details = detailsOf(outcome.refusal);
  return { code, message, ...(retryAfter !== undefined && { retryAfter }), ...(details !== undefined && { details }) };
}

/** Undefined: the node did not answer. */
function outcomeOf(told: Told | undefined): Outcome {
  if (!told) return { refusal: new ProtocolError('TIMEOUT', 'the node of the client did not answer') };
  if ('text' in told) return { result: JsonText.written(told.text) };
  return { refusal: new ProtocolError(told.code, told.message, told.retryAfter, undefined, told.details) };
}
