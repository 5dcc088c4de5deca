import { ZocaloError } from '../errors.ts';
import { checkNames, type OptionNames } from '../option-names.ts';
import {
  type Contract,
  dataIssues,
  JsonText,
  type MethodContract,
  PatternTable,
  ProtocolError,
  type SchemaResult,
  type StandardSchema,
  sentenceOf,
} from '../protocol/index.ts';
import { then } from '../thenable.ts';

type Methods = Readonly<Record<string, MethodContract>>;

const NAMES: OptionNames<Contract> = { channels: true, methods: true, answers: true };
const METHOD: OptionNames<MethodContract> = { data: true, result: true };

/** The contract at run time. Its results are the schemas' outputs, which may differ from the inputs. */
export class ContractCheck {
  readonly #channels: PatternTable<StandardSchema>;
  readonly #methods: Methods;
  readonly #answers: Methods;

  /** @throws ZocaloError BAD_OPTION for an invalid channel name or pattern, a misspelt part, or what is not a schema. */
  constructor(contract: Contract = {}) {
    checkNames(contract, NAMES, 'of a contract');
    const { channels = {}, methods = {}, answers = {} } = contract;
    for (const [name, schema] of Object.entries(channels)) checkSchema(`channels: ${name}`, schema);
    checkMethods('methods', methods);
    checkMethods('answers', answers);
    try {
      this.#channels = new PatternTable(channels);
    } catch (cause) {
      throw new ZocaloError('BAD_OPTION', `contract: ${(cause as Error).message}`, { cause });
    }
    this.#methods = methods;
    this.#answers = answers;
  }

  /**
   * `data` is a value, or a value's text. A text is parsed only for a schema, and stays unchanged if the schema changes
   * nothing. Returns a promise only if the schema does. @throws ProtocolError BAD_DATA, directly or by the promise.
   */
  publication(channel: string, data: unknown): JsonText | Promise<JsonText> {
    const schema = this.#channels.match(channel)?.value;
    if (!schema) return written(data);
    if (!(data instanceof JsonText)) return then(check(schema, data), written);
    const before = written(data.value).text;
    return then(check(schema, data.value), (fitting) => {
      const after = written(fitting);
      return after.text === before ? data : after;
    });
  }

  /** Like `publication`, for what a function of the application put in place of the data: a bad one is its failure. */
  async replacement(channel: string, data: unknown, source: string): Promise<JsonText> {
    try {
      return await this.publication(channel, data);
    } catch (cause) {
      throw new Error(`${source} returned data that cannot be published: ${(cause as Error).message}`, { cause });
    }
  }

  /** Like `publication`, for the argument of a method; its handler gets a value. */
  callOf(method: string, data: JsonText): unknown {
    return checkMaybe(schemasOf(this.#methods, method)?.data, data.value);
  }

  /** For a handler's result: an invalid one is the server's failure, not the caller's. */
  async resultOf(method: string, result: unknown): Promise<JsonText> {
    let fitting = result;
    try {
      const schema = schemasOf(this.#methods, method)?.result;
      if (schema) fitting = await check(schema, result instanceof JsonText ? result.value : result);
    } catch (cause) {
      throw new Error(`the result of ${method} breaks the contract: ${(cause as Error).message}`, { cause });
    }
    return JsonText.of(fitting ?? null);
  }

  /** Like `publication`, for what clients are asked. */
  askOf(method: string, data: unknown = null): JsonText | Promise<JsonText> {
    const schema = schemasOf(this.#answers, method)?.data;
    if (!schema) return written(data);
    return then(checkMaybe(schema, data instanceof JsonText ? data.value : data), (fitting) =>
      written(fitting ?? null),
    );
  }

  /** Like `publication`, for what a client answered; `what` begins the sentence of a refusal. */
  async answerOf(method: string, result: JsonText, what: string): Promise<JsonText> {
    const schema = schemasOf(this.#answers, method)?.result;
    if (!schema) return result;
    try {
      return written((await checkMaybe(schema, result.value)) ?? null);
    } catch (cause) {
      const { message, details } = cause as ProtocolError;
      const sentence = `${what} breaks the contract: ${message}`;
      throw new ProtocolError('BAD_DATA', sentence, undefined, undefined, details);
    }
  }
}

function schemasOf(methods: Methods, method: string): MethodContract | undefined {
  return Object.hasOwn(methods, method) ? methods[method] : undefined;
}

function checkMethods(kind: string, methods: Methods): void {
  for (const [name, method] of Object.entries(methods)) {
    checkNames(method, METHOD, `of ${kind}: ${name} in the contract`);
    checkSchema(`${kind}: ${name}: data`, method.data);
    if (method.result !== undefined) checkSchema(`${kind}: ${name}: result`, method.result);
  }
}

function checkSchema(where: string, schema: StandardSchema | undefined): void {
  if (typeof schema?.['~standard']?.validate !== 'function')
    throw new ZocaloError('BAD_OPTION', `contract: ${where} is not a schema`, {
      advice: 'use a schema of a library that follows Standard Schema, such as zod, valibot or arktype',
    });
}

function check(schema: StandardSchema | undefined, data: unknown): unknown {
  return schema ? then(schema['~standard'].validate(data), fittingOf) : data;
}

/** In JSON, what was left out is null. A schema that does not take null may take undefined: a default, or nothing. */
function checkMaybe(schema: StandardSchema | undefined, data: unknown): unknown {
  if (!schema || data !== null) return check(schema, data);
  return then(schema['~standard'].validate(null), (result) =>
    result.issues ? check(schema, undefined) : result.value,
  );
}

function written(data: unknown): JsonText {
  try {
    return JsonText.of(data);
  } catch {
    throw new ProtocolError('BAD_DATA', 'the data cannot be written as JSON');
  }
}

function fittingOf(result: SchemaResult<unknown>): unknown {
  if (!result.issues) return result.value;
  const details = dataIssues(result.issues);
  const [first] = details.issues;
  const sentence = first ? sentenceOf(first) : 'the data does not fit';
  throw new ProtocolError('BAD_DATA', sentence, undefined, undefined, details);
}
