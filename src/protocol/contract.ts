/**
 * The part of Standard Schema, version 1 (standardschema.dev), that we use of a schema of any library: zod, valibot, …
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The schemas of channels, by name or pattern, and of methods. */
export interface Contract {
  readonly channels?: Readonly<Record<string, StandardSchema>>;
  /** What clients call, and the server answers. */
  readonly methods?: Readonly<Record<string, MethodContract>>;
  /** What the server calls, by `hub.user(id).call`, and clients answer. */
  readonly answers?: Readonly<Record<string, MethodContract>>;
}

export interface MethodContract {
  readonly data: StandardSchema;
  /** Of the handler's result. Default: anything. */
  readonly result?: StandardSchema;
}

/** Declares a contract, for `new Hub({ contract })` and `new Client<typeof agreed>(…)`. */
export function contract<const C extends Contract>(
  agreed: C & { readonly [Misspelt in Exclude<keyof C, keyof Contract>]: never },
): C {
  return agreed;
}

type InputOf<Schema> = Schema extends StandardSchema<infer Input, infer _> ? Input : unknown;
type OutputOf<Schema> = Schema extends StandardSchema<infer _, infer Output> ? Output : unknown;

/** The names that a pattern matches, as a type: `chat:*` is `chat:${string}`. */
type Matched<Pattern> = Pattern extends `${infer Before}*${infer After}`
  ? `${Before}${string}${Matched<After>}`
  : Pattern;

/** The entry of that exact name, or else those of all matching patterns: types do not rank patterns. */
type SchemaOf<Channels, Name> = Name extends keyof Channels
  ? Channels[Name]
  : { [Pattern in keyof Channels]: Name extends Matched<Pattern> ? Channels[Pattern] : never }[keyof Channels];

type Known<Schema, Type> = [Schema] extends [never] ? unknown : Type;

/** The channels that a contract mentions; any, where it mentions none. */
export type ChannelName<C extends Contract> = C extends { readonly channels: infer Channels }
  ? Matched<keyof Channels & string>
  : string;

/** The methods that a contract mentions; any, where it mentions none. */
export type MethodName<C extends Contract> = C extends { readonly methods: infer Methods }
  ? Matched<keyof Methods & string>
  : string;

/** The methods of clients that a contract mentions; any, where it mentions none. */
export type AnswerName<C extends Contract> = C extends { readonly answers: infer Methods }
  ? keyof Methods & string
  : string;

/** Some of these names, which an editor completes, or another text, which `Allowed` looks at. */
export type AnyOf<Names extends string> = Names | (string & {});

/** Refuses a name that is not among these: `never`. A pattern is allowed, and a name that is only known at run time. */
export type Allowed<Names extends string, Name extends string> = string extends Name
  ? unknown
  : Name extends Names | `${string}*${string}`
    ? unknown
    : never;

/** What may be published to a channel; unknown where the contract does not mention it. */
export type ChannelInput<C extends Contract, Name extends string> = Known<
  SchemaOf<C['channels'], Name>,
  InputOf<SchemaOf<C['channels'], Name>>
>;

/** What subscribers of a channel get. */
export type ChannelOutput<C extends Contract, Name extends string> = Known<
  SchemaOf<C['channels'], Name>,
  OutputOf<SchemaOf<C['channels'], Name>>
>;

type MethodOf<C extends Contract, Name> = Name extends keyof C['methods'] ? C['methods'][Name] : unknown;
type AnswerOf<C extends Contract, Name> = Name extends keyof C['answers'] ? C['answers'][Name] : unknown;

type DataIn<Method> = Method extends { data: infer Schema } ? InputOf<Schema> : unknown;
type DataOut<Method> = Method extends { data: infer Schema } ? OutputOf<Schema> : unknown;
type ResultIn<Method> = Method extends { result: infer Schema } ? InputOf<Schema> : unknown;
type ResultOut<Method> = Method extends { result: infer Schema } ? OutputOf<Schema> : unknown;

/** The argument of a method, and what its handler gets. */
export type MethodInput<C extends Contract, Name> = DataIn<MethodOf<C, Name>>;
export type MethodData<C extends Contract, Name> = DataOut<MethodOf<C, Name>>;

/** What a handler returns, and what its caller gets. */
export type MethodReturn<C extends Contract, Name> = ResultIn<MethodOf<C, Name>>;
export type MethodResult<C extends Contract, Name> = ResultOut<MethodOf<C, Name>>;

/** The argument of a method of clients, and what the client's handler gets. */
export type AnswerInput<C extends Contract, Name> = DataIn<AnswerOf<C, Name>>;
export type AnswerData<C extends Contract, Name> = DataOut<AnswerOf<C, Name>>;

/** What a client's handler returns, and what the server gets. */
export type AnswerReturn<C extends Contract, Name> = ResultIn<AnswerOf<C, Name>>;
export type AnswerResult<C extends Contract, Name> = ResultOut<AnswerOf<C, Name>>;
