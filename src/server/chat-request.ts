import type { ChatRequest } from './chat-messages.ts';

/** Reads what a page sent; undefined for anything that no page of ours sends. Never throws. */
export function parseChatRequest(message: string | Uint8Array): ChatRequest | undefined {
  if (typeof message !== 'string') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, name, session, seen, text, key } = value as Record<string, unknown>;
  switch (kind) {
    case 'join':
      if (typeof name !== 'string' || !isToken(session, 16)) return undefined;
      return { kind, name, session, ...(isPosition(seen) && { seen: { room: seen.room, number: seen.number } }) };
    case 'say':
      return typeof text === 'string' && isToken(key, 1) ? { kind, text, key } : undefined;
    case 'ping':
      return { kind };
    default:
      return undefined;
  }
}

function isToken(value: unknown, atLeast: number): value is string {
  return typeof value === 'string' && value.length >= atLeast && value.length <= 64;
}

function isPosition(value: unknown): value is { room: string; number: number } {
  if (typeof value !== 'object' || value === null) return false;
  const { room, number } = value as Record<string, unknown>;
  return typeof room === 'string' && Number.isSafeInteger(number);
}
