import { ZocaloError } from '../../errors.ts';
import { type Decoder, type JsonValue, jsonNumber, notDecoded } from './decoded.ts';
import { textReader } from './text.ts';

export interface ExpressionDescription {
  /** A JavaScript regular expression with named groups: `(?<kg>[\d.]+)`. */
  readonly pattern: string;
  /** Of `i`, `m`, `s`, `u`, `v`. Default: none. */
  readonly flags?: string;
  /** What a group becomes, by its name. Default: `text`. */
  readonly types?: Readonly<Record<string, GroupType>>;
  /** Default: `utf-8`. */
  readonly encoding?: string;
}

export type GroupType = 'text' | 'number' | 'integer' | 'hex';

const TYPES: Readonly<Record<GroupType, (text: string) => JsonValue | undefined>> = {
  text: (text) => text,
  number: (text) => (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? jsonNumber(Number(text)) : undefined),
  integer: (text) => (/^[-+]?\d+$/.test(text) ? jsonNumber(BigInt(text.replace(/^\+/, ''))) : undefined),
  hex: (text) => (/^[\da-f]+$/i.test(text) ? jsonNumber(BigInt(`0x${text}`)) : undefined),
};

/**
 * An object with the groups of the expression. A group that took no part is null.
 * @throws ZocaloError BAD_OPTION for an expression that is none, or has no named group or not one that a type is for.
 */
export function expressionDecoder({ pattern, flags = '', types = {}, encoding }: ExpressionDescription): Decoder {
  const expression = compile(pattern, flags);
  const names = [...pattern.matchAll(/\(\?<([^=!>][^>]*)>/g)].map((match) => match[1]!);
  if (names.length === 0) throw badExpression(pattern, 'it has no named group');
  const stranger = Object.keys(types).find((name) => !names.includes(name));
  if (stranger !== undefined) throw badExpression(pattern, `it has no group ${stranger}`);
  const read = textReader(encoding);
  return (frame) => {
    const text = read(frame);
    if (text === undefined) return notDecoded(`a frame of ${frame.length} bytes is not ${encoding ?? 'utf-8'}`);
    const groups = expression.exec(text)?.groups;
    if (!groups) return notDecoded(`${shown(text)} does not match ${pattern}`);
    const values: Record<string, JsonValue> = {};
    for (const name of names) {
      const found = groups[name];
      const type = types[name] ?? 'text';
      const value = found === undefined ? null : TYPES[type](found.trim());
      if (value === undefined) return notDecoded(`${shown(found!)} is not a ${type} for ${name}`);
      values[name] = value;
    }
    return values;
  };
}

function compile(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags.replaceAll(/[gy]/g, ''));
  } catch (cause) {
    throw badExpression(pattern, (cause as Error).message, cause);
  }
}

function badExpression(pattern: string, why: string, cause?: unknown): ZocaloError {
  const advice = 'write a JavaScript regular expression with named groups, such as ^S S +(?<kg>[\\d.]+)';
  return new ZocaloError('BAD_OPTION', `${pattern} cannot decode a frame: ${why}`, { advice, cause });
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
