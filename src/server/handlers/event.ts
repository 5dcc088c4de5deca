import type { Caller, UserConnection } from '../../hub/index.ts';
import { JsonText } from '../../protocol/index.ts';
import type { EventName } from './events.ts';

/** One event, as every carrier brings it to the application. */
export interface HandlerEvent {
  readonly name: EventName;
  /** Unique. An event that is delivered again has the same. */
  readonly id: string;
  /** A JSON object. */
  readonly text: string;
  /** Whose events arrive in order: the connection's id. Undefined for a visitor, who has no other event yet. */
  readonly connection: string | undefined;
  /** Headers of the handshake, names in lower case: those that are configured are passed on. */
  readonly headers: Headers;
}

export type Headers = Readonly<Record<string, string | undefined>>;

export const NO_HEADERS: Headers = {};

/** The members of an event by name, each as JSON text; undefined ones are left out. */
export type Members = Readonly<Record<string, string | undefined>>;

/** The JSON of an event. */
export function eventText(name: EventName, id: string, members: Members): string {
  let text = `{"event":"${name}","id":"${id}"`;
  for (const member in members) if (members[member] !== undefined) text += `,"${member}":${members[member]}`;
  return `${text}}`;
}

/** The JSON of what a handler is told of a connection. */
export function whoText(who: Caller): string {
  const { id, user = null, data, remoteAddress } = who as Caller & Partial<UserConnection>;
  const known = data === undefined ? '' : `,"data":${JsonText.of(data).text}`;
  const address = remoteAddress === undefined ? '' : `,"address":${JSON.stringify(remoteAddress)}`;
  return `{"connection":"${id}","user":${JSON.stringify(user)}${known}${address}}`;
}
