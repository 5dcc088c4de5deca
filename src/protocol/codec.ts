import { channelFault, isChannel, isPattern } from './channel.ts';
import { endBefore, memberIn, type Scan, scan, startFrom } from './json-scan.ts';
import { JsonText } from './json-text.ts';

import { LIMITS } from './limits.ts';
import type { ClientMessage, ServerMessage } from './messages.ts';
import {
  anything,
  type Check,
  type Decoded,
  isCount,
  isId,
  isNumber,
  isObject,
  isPosition,
  isShort,
  isText,
  objectOf,
} from './shape.ts';

/** One element of a line: its name for messages, its check, and its default when it is absent. */
interface Part {
  name: string;
  check: Check;
  /** From this element on, elements may be absent at the end of a line. */
  optional?: boolean;
  /** The default for an absent element. */
  absent?: unknown;
  /** Of options: the check of each. */
  members?: Readonly<Record<string, Check>>;
  /** Which part of it stays text: all of it, or the member of this name. */
  text?: true | 'member' | 'data';
}

type Verbs = ReadonlyMap<unknown, readonly Part[]>;

const isCredit: Check = (value) => isCount(value, 1, LIMITS.credit);
const isFlag: Check = (value) => typeof value === 'boolean';
const isToken: Check = (value) => isShort(value, LIMITS.token);
const isLogin: Check = (value) =>
  Array.isArray(value) && value.length === 2 && value.every((part) => isShort(part, LIMITS.login));
const isEvent: Check = (value) => isShort(value, LIMITS.event);
const isKey: Check = (value) => isShort(value, LIMITS.key);

const id: Part = { name: 'the request number', check: isId };
const ch: Part = { name: 'the channel number', check: isNumber };
const offset: Part = { name: 'the offset', check: isNumber };
const data: Part = { name: 'the data', check: anything, text: true };
const NULL = JsonText.of(null);
const code: Part = { name: 'the code', check: isText };
const channel: Part = { name: 'the channel', check: isChannel };
const channelOrPattern: Part = { name: 'the channel', check: (value) => isChannel(value) || isPattern(value) };

function options(members: Readonly<Record<string, Check>>, text?: 'member'): Part {
  const part = { name: 'the options', check: objectOf(members), members, optional: true, absent: Object.freeze({}) };
  return text ? { ...part, text } : part;
}

const method: Part = { name: 'the method', check: (value) => isShort(value, LIMITS.method) };
/** The number of what the server asks, which is not that of a request. */
const ask: Part = { ...id, name: 'the number of the question' };
const refusal: readonly Part[] = [
  code,
  { name: 'the message', check: isText },
  { name: 'the pause', check: (value) => value === null || isNumber(value), optional: true },
  { name: 'the reason', check: (value) => value === null || isText(value), optional: true },
  { name: 'the details', check: anything, optional: true },
];
const areMethods: Check = (value) =>
  Array.isArray(value) && value.length <= LIMITS.offers && value.every((name) => isShort(name, LIMITS.method));

const FROM_CLIENT: Verbs = new Map<unknown, readonly Part[]>([
  ['hi', [id, options({ token: isToken, login: isLogin, resume: isToken })]],
  [
    'sub',
    [
      id,
      channelOrPattern,
      options(
        {
          at: isPosition,
          recent: (value) => isCount(value, 0, LIMITS.credit),
          credit: isCredit,
          presence: isFlag,
          member: anything,
        },
        'member',
      ),
    ],
  ],
  ['un', [id, channelOrPattern]],
  ['set', [id, channel, options({ presence: isFlag, member: anything, leave: isFlag }, 'member')]],
  ['pub', [id, channel, data, options({ key: isKey, echo: isFlag, keep: isFlag, event: isEvent })]],
  ['call', [id, method, { ...data, optional: true, absent: NULL }]],
  [
    'get',
    [
      id,
      { name: 'what to get', check: (value) => value === 'history' || value === 'presence' },
      channel,
      options({ at: isPosition, limit: isCredit }),
    ],
  ],
  ['auth', [id, { name: 'the token', check: isToken }]],
  ['more', [ch, { name: 'the credit', check: isCredit }]],
  ['follow', [id]],
  ['offer', [id, { name: 'the methods', check: areMethods }]],
  ['ok', [ask, { ...data, optional: true, absent: NULL }]],
  ['err', [ask, ...refusal]],
]);

const isMember: Check = (value) => objectOf({ id: isText })(value) && isText((value as { id?: unknown }).id);
const isGap: Check = (value) =>
  objectOf({ have: isPosition, oldest: isNumber, head: isNumber, epoch: isText })(value) &&
  ['have', 'oldest', 'head', 'epoch'].every((name) => Object.hasOwn(value as object, name));

const FROM_SERVER: Verbs = new Map<unknown, readonly Part[]>([
  [
    'm',
    [
      ch,
      offset,
      data,
      {
        name: 'the meta',
        check: objectOf({
          key: isText,
          event: isText,
          user: isText,
          time: isNumber,
          erased: isFlag,
          replaced: isFlag,
          erases: isNumber,
          replaces: isNumber,
        }),
        optional: true,
      },
    ],
  ],
  ['ok', [id, { ...data, optional: true, absent: NULL }]],
  ['err', [{ ...id, check: isNumber }, ...refusal]],
  ['skip', [ch, offset]],
  ['ch', [ch, channel, { name: 'the epoch', check: isText }, offset]],
  ['+', [ch, { name: 'the member', check: isMember, text: 'data' }]],
  ['-', [ch, { name: 'the member id', check: isText }]],
  ['n', [ch, { name: 'the count', check: isNumber }]],
  ['live', [ch, offset]],
  ['gap', [ch, { name: 'the gap', check: isGap }]],
  ['end', [channelOrPattern, code, { name: 'the message', check: isText, optional: true }]],
  ['bye', [code, options({ after: isNumber, ticket: isText, reason: isText })]],
  ['to', [data]],
  ['ask', [ask, method, data]],
  ['over', [ask]],
  ['add', [channel]],
]);

/**
 * Decodes one frame of a client, line by line: a bad line does not affect the others. Data is not parsed, but cut out
 * as text.
 */
export function decodeFromClient(frame: string): Decoded<ClientMessage<JsonText>>[] {
  return decode<ClientMessage<JsonText>>(frame, FROM_CLIENT, LIMITS.lines);
}

/**
 * Decodes one frame of the server. A server may join any number of lines. A client ignores a line whose fault is
 * `UNKNOWN_VERB`: a newer server may know more verbs.
 */
export function decodeFromServer(frame: string): Decoded<ServerMessage<JsonText>>[] {
  return decode<ServerMessage<JsonText>>(frame, FROM_SERVER, Number.POSITIVE_INFINITY);
}

function decode<T>(frame: string, verbs: Verbs, most: number): Decoded<T>[] {
  const decoded: Decoded<T>[] = [];
  for (let from = 0; from <= frame.length; ) {
    const newline = frame.indexOf('\n', from);
    const to = newline < 0 ? frame.length : newline;
    if (decoded.length === most) {
      decoded.push(fault('BAD_MESSAGE', `the frame has more than ${most} lines; the rest was not read`));
      break;
    }
    // A newline at the end of the last line is allowed: line-oriented programs write one.
    if (to > from || newline >= 0 || from === 0) decoded.push(decodeLine<T>(frame.slice(from, to), verbs));
    from = to + 1;
  }
  return decoded;
}

function decodeLine<T>(line: string, verbs: Verbs): Decoded<T> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return fault('BAD_MESSAGE', 'the line is not JSON');
  }
  if (!Array.isArray(value)) return fault('BAD_MESSAGE', 'the line is JSON, but not an array');
  if (value.length === 0 || (value.length === 1 && value[0] === 1)) return { message: value as T };
  const parts = verbs.get(value[0]);
  const number = isId(value[1]) ? (value[1] as number) : 0;
  if (!parts) return fault('UNKNOWN_VERB', `${short(value[0])} is not a verb of zocalo.1`, number);
  // A line that deep has as many opening and closing brackets, so a shorter line needs no scan past its data.
  const isShortLine = line.length <= 2 * LIMITS.depth;
  const cut = cuts.get(parts);
  const found = isShortLine && cut === undefined ? undefined : scan(line, 0, isShortLine ? cut! + 2 : undefined);
  if (found && found.depth > LIMITS.depth) {
    return fault(
      'BAD_MESSAGE',
      `arrays and objects are nested more than ${LIMITS.depth} deep`,
      hasId(parts) ? number : 0,
    );
  }
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!;
    if (at + 1 >= value.length && part.optional) {
      if ('absent' in part) value.push(part.absent);
      continue;
    }
    if (part.check(value[at + 1])) {
      if (part.text) value[at + 1] = withText(line, found!, at + 1, part.text, value[at + 1]);
      continue;
    }
    const wrong: unknown = value[at + 1];
    if ((part === channel || part === channelOrPattern) && typeof wrong === 'string')
      return fault('BAD_CHANNEL', channelFault(wrong), hasId(parts) ? number : 0);
    return fault(
      'BAD_MESSAGE',
      at + 1 >= value.length
        ? `"${value[0]}" lacks ${part.name}`
        : (wrongOption(part, wrong) ??
            `${part.name} of "${value[0]}" has the wrong type, size or characters: ${short(wrong)}`),
      hasId(parts) ? number : 0,
    );
  }
  return { message: value as T };
}

/** A sentence about the first option that is wrong. What a token or a password is stays untold. */
function wrongOption({ members = {} }: Part, options: unknown): string | undefined {
  if (!isObject(options)) return undefined;
  const [name, check] = Object.entries(members).find(([name, check]) => name in options && !check(options[name])) ?? [];
  if (name === undefined) return undefined;
  const said = check === isToken || check === isLogin ? '' : `: ${short(options[name])}`;
  return `the option ${name} has the wrong type, size or characters${said}`;
}

/** By verb, the element that stays text, or has a member that does. */
const cuts = new Map(
  [...FROM_CLIENT.values(), ...FROM_SERVER.values()].flatMap((parts) => {
    const at = parts.findIndex(({ text }) => text);
    return at < 0 ? [] : [[parts, at + 1]];
  }),
);

/** An element as text, or with a member as text. */
function withText(line: string, found: Scan, at: number, which: true | string, value: unknown): unknown {
  const { marks } = found;
  const from = startFrom(line, marks[at]! + 1);
  if (which === true) return JsonText.part(line, from, endBefore(line, marks[at + 1]!), found, value);
  const object = value as Record<string, unknown>;
  if (!Object.hasOwn(object, which)) return object;
  const inner = scan(line, from);
  return { ...object, [which]: JsonText.part(line, ...memberIn(line, inner, which)!, inner, object[which]) };
}

function hasId(parts: readonly Part[]): boolean {
  return parts[0] === id;
}

function fault(
  code: 'BAD_MESSAGE' | 'UNKNOWN_VERB' | 'BAD_CHANNEL',
  message: string,
  id = 0,
): { fault: { code: typeof code; message: string; id: number } } {
  return { fault: { code, message, id } };
}

/** The beginning of a value as JSON, for messages. Only its top level, so that its depth and size cost nothing. */
function short(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
