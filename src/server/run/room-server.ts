import type { ZocaloError } from '../../errors.ts';
import {
  type Message,
  type ServerOptions,
  type UpgradeAnswer,
  type UpgradeRequest,
  type User,
  WebSocketServer,
} from '../../websocket/index.ts';
import type { ThrottledLog } from '../operations/index.ts';
import type { Client } from './clients.ts';
import type { Conversation } from './conversation.ts';
import { logRefusal } from './refusal-log.ts';

/** The connections of a shared program. */
export class RoomServer extends WebSocketServer {
  readonly #conversation: Conversation;
  readonly #log: ThrottledLog;

  constructor(address: string, conversation: Conversation, log: ThrottledLog, options: ServerOptions) {
    super(address, options);
    this.#conversation = conversation;
    this.#log = log;
  }

  override onUpgrade(request: UpgradeRequest): UpgradeAnswer | Promise<UpgradeAnswer> {
    return this.#conversation.upgrade(request);
  }

  override onRefuse(request: UpgradeRequest, status: number, reason: string): void {
    this.#conversation.giveUp(request);
    logRefusal(this.#log, request, status, reason);
  }

  override onConnect(user: User): void {
    this.#conversation.connect(user);
  }

  override onMessage(user: User, message: Message): void {
    this.#conversation.message(user.data as Client, message);
  }

  override onClose(user: User, code: number): void {
    this.#conversation.disconnect(user.data as Client, code);
  }

  override onError(err: ZocaloError, user?: User): void {
    this.#log.write('error', 'error', { err, address: user?.remoteAddress }, 'an error');
  }
}
