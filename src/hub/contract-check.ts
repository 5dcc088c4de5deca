import { ZocaloError } from '../errors.ts';
import {
  type Contract,
  dataIssues,
  JsonText,
  PatternTable,
  ProtocolError,
  type SchemaResult,
  type StandardSchema,
  sentenceOf,
} from '../protocol/index.ts';
import { isThenable, then } from '../thenable.ts';

/** The contract at run time. Its results are the schemas' outputs, which may differ from the inputs. */
export class ContractCheck {
  readonly #channels: PatternTable<StandardSchema>;
  readonly #methods: NonNullable<Contract['methods']>;

  /** @throws ZocaloError BAD_OPTION for an invalid channel name or pattern. */
  constructor({ channels = {}, methods = {} }: Contract = {}) {
    try {
      this.#channels = new PatternTable(channels);
    } catch (cause) {
      throw new ZocaloError('BAD_OPTION', `contract: ${(cause as Error).message}`, { cause });
    }
    this.#methods = methods;
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
    return check(this.#schemasOf(method)?.data, data.value);
  }

  /** For a handler's result: an invalid one is the server's failure, not the caller's. */
  async resultOf(method: string, result: unknown): Promise<JsonText> {
    let fitting = result;
    try {
      const schema = this.#schemasOf(method)?.result;
      if (schema) fitting = await check(schema, result instanceof JsonText ? result.value : result);
    } catch (cause) {
      throw new Error(`the result of ${method} breaks the contract: ${(cause as Error).message}`, { cause });
    }
    return JsonText.of(fitting ?? null);
  }

  #schemasOf(method: string) {
    return Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
  }
}

function check(schema: StandardSchema | undefined, data: unknown): unknown {
  if (!schema) return data;
  const result = schema['~standard'].validate(data);
  return isThenable(result)
    ? Promise.resolve(result as PromiseLike<SchemaResult<unknown>>).then(fittingOf)
    : fittingOf(result);
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
