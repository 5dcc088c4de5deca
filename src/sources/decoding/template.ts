import { ZocaloError } from '../../errors.ts';
import { channelFault, isChannel, JsonText } from '../../protocol/index.ts';
import { type Decoded, type JsonValue, notDecoded } from './decoded.ts';

/** Fills a template from what was decoded. What has no such field gives an error with the code FRAME_NOT_DECODED. */
export type Template<T> = (decoded: Decoded) => T | ZocaloError;

/** Text, and between the texts the paths of fields. */
interface Parts {
  readonly texts: readonly string[];
  readonly paths: readonly string[];
}

/**
 * A channel's name such as `door:{device}` or `gps:{head.imei}`. A value is percent-encoded, colons and slashes too, so
 * that a device names one channel at this place and no other, and different values never name the same one.
 * @throws ZocaloError BAD_OPTION for a template that makes no valid name.
 */
export function channelTemplate(template: string): Template<string> {
  const parts = split(template);
  const example = fill(parts, () => 'x') as string;
  if (!isChannel(example)) throw badTemplate(template, channelFault(example));
  return (decoded) => {
    const name = fill(parts, (path) => segmentOf(path, valueAt(decoded, path)));
    if (name instanceof ZocaloError || isChannel(name)) return name;
    return notDecoded(channelFault(name));
  };
}

/** Text such as `OK {serial}\r\n`. */
export function textTemplate(template: string): Template<string> {
  const parts = split(template);
  return (decoded) => fill(parts, (path) => plainText(path, valueAt(decoded, path)));
}

/**
 * Data such as `{ badge: '{badge}', text: 'door {door}' }`: a text that is one field as a whole becomes its value, with
 * its type.
 */
export function dataTemplate(template: JsonValue): Template<JsonValue> {
  if (typeof template === 'string') return stringTemplate(template);
  if (template === null || typeof template !== 'object') return () => template;
  const isList = Array.isArray(template);
  const members = Object.entries(template).map(([name, value]) => [name, dataTemplate(value)] as const);
  return (decoded) => {
    const filled: [string, JsonValue][] = [];
    for (const [name, member] of members) {
      const value = member(decoded);
      if (value instanceof ZocaloError) return value;
      filled.push([name, value]);
    }
    return isList ? filled.map(([, value]) => value) : Object.fromEntries(filled);
  };
}

function stringTemplate(template: string): Template<JsonValue> {
  const { texts, paths } = split(template);
  if (paths.length !== 1 || texts.some((text) => text !== '')) return textTemplate(template);
  return (decoded) => {
    const value = valueAt(decoded, paths[0]!);
    return value === undefined ? missing(paths[0]!) : value;
  };
}

/** `{{` and `}}` stand for braces. */
function split(template: string): Parts {
  const texts = [''];
  const paths: string[] = [];
  for (const [token, path] of template.matchAll(/\{\{|\}\}|\{([\w.-]+)\}|./gs)) {
    if (path !== undefined) {
      paths.push(path);
      texts.push('');
    } else if (token === '{' || token === '}')
      throw badTemplate(template, 'a brace stands alone; {{ and }} stand for braces in the text');
    else texts.push(texts.pop()! + (token === '{{' || token === '}}' ? token[0] : token));
  }
  return { texts, paths };
}

function fill({ texts, paths }: Parts, value: (path: string) => string | ZocaloError): string | ZocaloError {
  let filled = texts[0]!;
  for (const [index, path] of paths.entries()) {
    const text = value(path);
    if (text instanceof ZocaloError) return text;
    filled += text + texts[index + 1]!;
  }
  return filled;
}

function valueAt(decoded: Decoded, path: string): JsonValue | undefined {
  let value = (decoded instanceof JsonText ? decoded.value : decoded) as JsonValue | undefined;
  for (const name of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return;
    value = (value as Readonly<Record<string, JsonValue>>)[name];
  }
  return value;
}

function plainText(path: string, value: JsonValue | undefined): string | ZocaloError {
  if (value === undefined) return missing(path);
  if (value === null || typeof value === 'object') return notDecoded(`the field ${path} is not a text`);
  return String(value);
}

function segmentOf(path: string, value: JsonValue | undefined): string | ZocaloError {
  const text = plainText(path, value);
  if (text instanceof ZocaloError) return text;
  // A path of a URL with . or .. means another one.
  if (/^\.{0,2}$/.test(text)) return notDecoded(`the field ${path} is ${JSON.stringify(text)}, which names no channel`);
  return encodeURIComponent(text.toWellFormed()).replaceAll('*', '%2A');
}

function missing(path: string): ZocaloError {
  return notDecoded(`there is no field ${path}`);
}

function badTemplate(template: string, why: string): ZocaloError {
  return new ZocaloError('BAD_OPTION', `the template ${JSON.stringify(template)} cannot be filled: ${why}`, {
    advice: 'write fields as {name}, for example door:{device}',
  });
}
