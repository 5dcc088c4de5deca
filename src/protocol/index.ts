export { type BytesJson, hasBytes, parseJson, writtenBytes } from './bytes.ts';
export { channelFault, compilePattern, isChannel, isPattern, PatternTable } from './channel.ts';
export { decodeFromClient, decodeFromServer } from './codec.ts';
export {
  CODES,
  type Code,
  type CodeRow,
  closeCode,
  codeRow,
  mayRetry,
  ProtocolError,
  REASONS,
  type Reason,
} from './codes.ts';
export {
  type Allowed,
  type AnswerData,
  type AnswerInput,
  type AnswerName,
  type AnswerResult,
  type AnswerReturn,
  type AnyOf,
  type ChannelInput,
  type ChannelName,
  type ChannelOutput,
  type Contract,
  contract,
  type MethodContract,
  type MethodData,
  type MethodInput,
  type MethodName,
  type MethodResult,
  type MethodReturn,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from './contract.ts';
export { type DataIssue, type DataIssues, dataIssues, sentenceOf } from './data-issues.ts';
export {
  encode,
  encodeAnswer,
  encodeAsk,
  encodeDirect,
  encodeJoin,
  encodeMember,
  encodePublication,
  publishedText,
} from './encode.ts';
export { memberIn, memberText, type Scan, scan } from './json-scan.ts';
export { JsonText } from './json-text.ts';
export { LIMITS } from './limits.ts';
export {
  type Bye,
  type ChangeOptions,
  type ClientMessage,
  type Gap,
  type GetOptions,
  type Hello,
  type History,
  type Member,
  type Meta,
  PING,
  type Ping,
  PONG,
  type Pong,
  type Position,
  type Presence,
  type Published,
  type PublishOptions,
  type Renewed,
  type ServerMessage,
  SUBPROTOCOL,
  type Subscribed,
  type SubscribeOptions,
  type Welcome,
  type WelcomeLimits,
} from './messages.ts';
export { checkOptions } from './option-check.ts';
export { type Decoded, type Fault, isPosition } from './shape.ts';
