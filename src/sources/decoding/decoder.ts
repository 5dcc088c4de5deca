import { JsonText } from '../../protocol/index.ts';
import { fieldsDecoder } from './binary-fields.ts';
import { type Decoder, notDecoded } from './decoded.ts';
import { type ExpressionDescription, expressionDecoder } from './expression.ts';
import { textReader } from './text.ts';

/** How data is made of a frame. */
export type DecodeDescription =
  /** The frame as text. `encoding`: `utf-8` by default. */
  | { readonly kind: 'text'; readonly encoding?: string }
  /** The frame is JSON, which is passed on as the text that came. */
  | { readonly kind: 'json'; readonly encoding?: string }
  | ({ readonly kind: 'expression' } & ExpressionDescription)
  /** The bytes in hexadecimal. */
  | { readonly kind: 'hex' }
  /** Fields at fixed places: `{ device: 'u32be@1' }`. */
  | { readonly kind: 'fields'; readonly fields: Readonly<Record<string, string>> };

/** @throws ZocaloError BAD_OPTION for a description that cannot work. */
export function decoderOf(description: DecodeDescription): Decoder {
  switch (description.kind) {
    case 'hex':
      return (frame) => frame.toString('hex');
    case 'fields':
      return fieldsDecoder(description.fields);
    case 'expression':
      return expressionDecoder(description);
    case 'text':
      return textDecoder(description.encoding);
    case 'json':
      return jsonDecoder(description.encoding);
  }
}

function textDecoder(encoding = 'utf-8'): Decoder {
  const read = textReader(encoding);
  return (frame) => read(frame) ?? notDecoded(`a frame of ${frame.length} bytes is not ${encoding}`);
}

function jsonDecoder(encoding = 'utf-8'): Decoder {
  const read = textReader(encoding);
  return (frame) => {
    const text = read(frame);
    if (text === undefined) return notDecoded(`a frame of ${frame.length} bytes is not ${encoding}`);
    try {
      return JsonText.parse(text);
    } catch (error) {
      return notDecoded(`a frame of ${frame.length} bytes is not JSON: ${(error as Error).message}`);
    }
  };
}
