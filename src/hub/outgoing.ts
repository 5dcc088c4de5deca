import {
  encode,
  encodeAnswer,
  encodeAsk,
  encodeDirect,
  encodeJoin,
  JsonText,
  type ServerMessage,
  type Subscribed,
} from '../protocol/index.ts';
import { lineOf, type Publication } from './publication.ts';

/** What the hub tells its clients: the protocol's messages, in which data is the text that came. */
export type HubMessage =
  | Exclude<ServerMessage, readonly ['ok' | 'm' | '+' | 'to' | 'ask', ...unknown[]]>
  | readonly ['ok', id: number, result: JsonText | Subscribed<JsonText, JsonText>]
  | readonly ['m', ch: number, publication: Publication]
  | readonly ['+', ch: number, member: JsonText]
  | readonly ['to', data: JsonText]
  | readonly ['ask', ask: number, method: string, data: JsonText];

/**
 * Messages that leave together, to one client or to all of a topic. A transport that speaks `zocalo.1` or plain text
 * sends `text`, which is encoded at its first use and only once for all receivers; any other reads `messages`.
 */
export class Outgoing {
  /** Empty for plain text. */
  readonly messages: readonly HubMessage[];
  #text: string | undefined;

  constructor(messages: readonly HubMessage[], text?: string) {
    this.messages = messages;
    this.#text = text;
  }

  static plain(text: string): Outgoing {
    return new Outgoing([], text);
  }

  get text(): string {
    // Most often it is one message, for which an array of texts would cost a tenth of a publication.
    const { messages } = this;
    this.#text ??= messages.length === 1 ? encodeMessage(messages[0]!) : messages.map(encodeMessage).join('\n');
    return this.#text;
  }
}

function encodeMessage(message: HubMessage): string {
  switch (message[0]) {
    case 'm':
      return lineOf(message[1], message[2]);
    case 'ok':
      return encodeAnswer(message[1], resultText(message[2]));
    case '+':
      return encodeJoin(message[1], message[2].text);
    case 'to':
      return encodeDirect(message[1].text);
    case 'ask':
      return encodeAsk(message[1], message[2], message[3].text);
    default:
      return encode(message);
  }
}

function resultText(result: JsonText | Subscribed<JsonText, JsonText>): string {
  if (result instanceof JsonText) return result.text;
  const { members, data, ...rest } = result;
  const parts = [
    JSON.stringify(rest).slice(1, -1),
    members && `"members":${members.text}`,
    data && `"data":${data.text}`,
  ];
  return `{${parts.filter(Boolean).join()}}`;
}
