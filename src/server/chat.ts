import { randomUUID } from 'node:crypto';
import { type ServerOptions, type User, WebSocketServer } from '../websocket/index.ts';
import type { ChatErrorCode, ChatEvent, ChatRequest } from './chat-messages.ts';
import { parseChatRequest } from './chat-request.ts';
import { Room, TEXT_LIMIT } from './room.ts';

/** In bytes: the longest text, each character as the longest JSON escape, and what stands around it. */
const MAX_MESSAGE = TEXT_LIMIT * 6 + 1024;
/** What everybody in the room is subscribed to. */
const TOPIC = 'room';
/** How many requests may be wrong before the connection is closed: a broken page stops, a guest's slip does not. */
const FAULTS = 10;
/** RFC 6455 §7.4.1: the message breaks the rules of this server. */
const POLICY_VIOLATION = 1008;
/** Ours: the same page came back through another connection. */
const REPLACED = 4001;

const SENTENCES: Readonly<Record<ChatErrorCode, string>> = {
  'bad-message': 'That is not a message of this chat.',
  'not-in-the-room': 'Join the room first.',
  'empty-text': 'There is nothing in it.',
  'text-too-long': `A message may have ${TEXT_LIMIT} characters.`,
};

/** The chat's page and its room, on one port. */
export class ChatServer extends WebSocketServer {
  readonly #room = new Room<User>(randomUUID());

  constructor(address: string, options: ServerOptions = {}) {
    super(address, { maxMessage: MAX_MESSAGE, ...options });
  }

  override onMessage(user: User, message: string | Uint8Array): void {
    const request = parseChatRequest(message);
    switch (request?.kind) {
      case 'join':
        this.#join(user, request);
        break;
      case 'say':
        this.#say(user, request);
        break;
      case 'ping':
        tell(user, { kind: 'pong' });
        break;
      default:
        this.#refuse(user, 'bad-message');
    }
  }

  override onClose(user: User): void {
    const person = this.#room.leave(user);
    if (person) this.#tellOthers(user, { kind: 'left', person, at: Date.now() });
  }

  #join(user: User, { name, session, seen }: ChatRequest & { kind: 'join' }): void {
    if (this.#room.has(user)) {
      this.#refuse(user, 'bad-message');
      return;
    }
    const { person, replaced } = this.#room.join(user, name, session);
    replaced?.close(REPLACED, 'came back through another connection');
    replaced?.unsubscribe(TOPIC);
    tell(user, {
      kind: 'welcome',
      you: person,
      people: this.#room.people,
      room: this.#room.id,
      ...this.#room.since(seen, session),
    });
    user.subscribe(TOPIC);
    if (!replaced) this.#tellOthers(user, { kind: 'joined', person, at: Date.now() });
  }

  #say(user: User, { text, key }: ChatRequest & { kind: 'say' }): void {
    const outcome = this.#room.say(user, text, key, Date.now());
    if ('refused' in outcome) {
      this.#refuse(user, outcome.refused, key);
      return;
    }
    const event: ChatEvent = { kind: 'said', ...outcome.said };
    tell(user, { ...event, key });
    if (!outcome.repeated) this.#tellOthers(user, event);
  }

  #refuse(user: User, code: ChatErrorCode, key?: string): void {
    tell(user, { kind: 'error', code, message: SENTENCES[code], ...(key !== undefined && { key }) });
    user.data.faults = (user.data.faults ?? 0) + 1;
    if (user.data.faults >= FAULTS) user.close(POLICY_VIOLATION, 'too many messages that are none of this chat');
  }

  #tellOthers(user: User, event: ChatEvent): void {
    this.publish(TOPIC, JSON.stringify(event), { except: user });
  }
}

function tell(user: User, event: ChatEvent): void {
  user.sendJson(event);
}
