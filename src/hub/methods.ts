import { ZocaloError } from '../errors.ts';
import { type Contract, type JsonText, type MethodData, type MethodReturn, ProtocolError } from '../protocol/index.ts';
import { isThenable } from '../thenable.ts';
import type { Caller } from './caller.ts';
import type { ContractCheck } from './contract-check.ts';

/** Handles a call. A ProtocolError that it throws is the answer; any other error is INTERNAL, and reported. */
export type Handler<C extends Contract = Contract, Name = string> = (
  data: MethodData<C, Name>,
  who: Caller,
) => MethodReturn<C, Name> | Promise<MethodReturn<C, Name>>;

/** The methods that clients can call. */
export class Methods {
  readonly #handlers = new Map<string, (data: unknown, who: Caller) => unknown>();
  readonly #contract: ContractCheck;

  constructor(contract: ContractCheck) {
    this.#contract = contract;
  }

  /** @throws ZocaloError BAD_OPTION if there is a method of that name already. */
  add(name: string, handler: (data: unknown, who: Caller) => unknown): void {
    if (this.#handlers.has(name))
      throw new ZocaloError('BAD_OPTION', `there are two methods named ${name}`, { advice: 'rename one' });
    this.#handlers.set(name, handler);
  }

  async call(name: string, data: JsonText, who: Caller): Promise<JsonText> {
    const handler = this.#handlers.get(name);
    if (!handler) throw new ProtocolError('NO_SUCH_METHOD', `there is no method ${name}`);
    const checked = this.#contract.callOf(name, data);
    const result = await handler(isThenable(checked) ? await checked : checked, who);
    return this.#contract.resultOf(name, result);
  }
}
