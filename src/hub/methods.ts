import { ZocaloError } from '../errors.ts';
import {
  type Contract,
  isPattern,
  type JsonText,
  type MethodData,
  type MethodReturn,
  PatternTable,
  ProtocolError,
} from '../protocol/index.ts';
import { isThenable } from '../thenable.ts';
import type { Caller } from './caller.ts';
import type { ContractCheck } from './contract-check.ts';

/** A call, besides its argument. */
export interface CallRequest {
  /** The argument as the JSON text that was sent: numbers keep all their digits. */
  readonly json: JsonText;
}

/**
 * Handles a call. A ProtocolError that it throws is the answer; any other error is INTERNAL, and reported. `method` is
 * the name that was called, for a handler of a pattern.
 */
export type Handler<C extends Contract = Contract, Name = string> = (
  data: MethodData<C, Name>,
  who: Caller,
  method: string,
  request: CallRequest,
) => MethodReturn<C, Name> | Promise<MethodReturn<C, Name>>;

/** Handlers by name or pattern. */
class Table {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #patterns: PatternTable<Handler>;

  /** @throws ZocaloError BAD_OPTION for an invalid pattern, or a handler that is not a function. */
  constructor(handlers: ReadonlyMap<string, Handler>) {
    for (const [name, handler] of handlers)
      if (typeof handler !== 'function')
        throw new ZocaloError('BAD_OPTION', `the handler of the method ${name} is not a function`, {
          advice: 'pass (data, who) => the result, or a promise of it',
        });
    const patterns = [...handlers].filter(([name]) => name.includes('*'));
    for (const [pattern] of patterns)
      if (!isPattern(pattern))
        throw new ZocaloError('BAD_OPTION', `${JSON.stringify(pattern)} is not a pattern for methods`, {
          advice: 'use the characters of a channel name and single stars, like order.*',
        });
    this.#handlers = handlers;
    this.#patterns = new PatternTable(patterns);
  }

  find(method: string): Handler | undefined {
    return this.#handlers.get(method) ?? this.#patterns.match(method)?.value;
  }
}

/** The methods that clients can call. */
export class Methods {
  readonly #added = new Map<string, Handler>();
  #table = new Table(this.#added);
  #others = new Table(new Map());
  readonly #contract: ContractCheck;

  constructor(contract: ContractCheck) {
    this.#contract = contract;
  }

  /** @throws ZocaloError BAD_OPTION if there is a method of that name already, or the pattern is invalid. */
  add(name: string, handler: Handler): void {
    if (this.#added.has(name))
      throw new ZocaloError('BAD_OPTION', `there are two methods named ${name}`, { advice: 'rename one' });
    this.#table = new Table(new Map(this.#added).set(name, handler));
    this.#added.set(name, handler);
  }

  /** Replaces the handlers of methods that were not added, when the returned function is called. @throws as `add`. */
  prepare(handlers: Readonly<Record<string, Handler>>): () => void {
    const others = new Table(new Map(Object.entries(handlers)));
    return () => {
      this.#others = others;
    };
  }

  async call(name: string, data: JsonText, who: Caller): Promise<JsonText> {
    const handler = this.#table.find(name) ?? this.#others.find(name);
    if (!handler) throw new ProtocolError('NO_SUCH_METHOD', `there is no method ${name}`);
    const checked = this.#contract.callOf(name, data);
    const result = await handler(isThenable(checked) ? await checked : checked, who, name, { json: data });
    return this.#contract.resultOf(name, result);
  }
}
