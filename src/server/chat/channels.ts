import type { Caller, ChannelOptions } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { readChatData, TEXT_LIMIT, tidyName } from './message.ts';

/** The rooms of the chat: what a page publishes there, and what a plain WebSocket or `nc` sees of it. */
export function chatChannels(): Record<string, ChannelOptions> {
  return {
    'chat:*': {
      history: { size: 1_000, ttl: '7d' },
      presence: true,
      // Faster than anybody types; a burst of twice that is what somebody wrote while the line was down.
      rate: 20,
      // Bytes: the longest text, each character as the longest JSON escape, and what stands around it.
      maxData: TEXT_LIMIT * 6 + 1_024,
      text: { in: fromLine, out: toLine },
    },
  };
}

/** A line of somebody who has no page; an empty one is nothing. @throws ProtocolError TOO_LARGE. */
function fromLine(line: string, who: Caller) {
  if (line.length > TEXT_LIMIT) throw new ProtocolError('TOO_LARGE', `a message may have ${TEXT_LIMIT} characters`);
  return readChatData({ text: line, name: nameOf(who), person: who.user ?? who.id });
}

/** `ws://…/chat:square?name=Ana` gives the name; without it one is a guest, distinguished by the connection. */
function nameOf({ user, id, request }: Caller): string {
  const { query } = (request ?? {}) as { query?: URLSearchParams };
  const name = query instanceof URLSearchParams ? query.get('name') : null;
  return name ? tidyName(name) : (user ?? `Guest ${id.slice(0, 4)}`);
}

/** Lines after the first are set in, so that nobody can write one that looks like somebody else's message. */
function toLine(data: unknown): string | undefined {
  const said = readChatData(data);
  return said && 'text' in said ? `${said.name}: ${said.text.replaceAll('\n', '\n  ')}` : undefined;
}
