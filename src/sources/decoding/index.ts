export { Changes } from './changes.ts';
export { type Decoded, type Decoder, type JsonValue, notDecoded } from './decoded.ts';
export { type DecodeDescription, decoderOf } from './decoder.ts';
export type { ExpressionDescription, GroupType } from './expression.ts';
export { channelTemplate, dataTemplate, type Template, textTemplate } from './template.ts';
export { type TextReader, textReader } from './text.ts';
