import type { Caller, ChannelOptions } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { readChatData, TEXT_LIMIT, tidyName } from './message.ts';

/** The channels of the chat: what a page publishes there, and what a plain WebSocket or `nc` sees. */
export function chatChannels(): Record<string, ChannelOptions> {
  return {
    'chat:*': {
      history: { size: 1_000, ttl: '7d' },
      presence: true,
      // Faster than anyone types. The burst of twice as many is for what was written while offline.
      rate: 20,
      // Bytes: the longest text, with each character as the longest JSON escape, and the members around it.
      maxData: TEXT_LIMIT * 6 + 1_024,
      text: { in: fromLine, out: toLine },
    },
  };
}

/** Reads a line from a client without a page; nothing for an empty one. @throws ProtocolError TOO_LARGE. */
function fromLine(line: string, who: Caller) {
  if (line.length > TEXT_LIMIT) throw new ProtocolError('TOO_LARGE', `a message may have ${TEXT_LIMIT} characters`);
  return readChatData({ text: line, name: nameOf(who), person: who.user ?? who.id });
}

/** `ws://…/chat:square?name=Ana` gives the name. Without it, a guest is named after the connection. */
function nameOf({ user, id, request }: Caller): string {
  const name = request?.query.get('name');
  return name ? tidyName(name) : (user ?? `Guest ${id.slice(0, 4)}`);
}

/** Further lines are indented, so that none of them can look like another person's message. */
function toLine(data: unknown): string | undefined {
  const said = readChatData(data);
  return said && 'text' in said ? `${said.name}: ${said.text.replaceAll('\n', '\n  ')}` : undefined;
}
