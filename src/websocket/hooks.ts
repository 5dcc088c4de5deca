import type { ZocaloError } from '../errors.ts';
import type { QueueVerdict } from './backpressure.ts';
import type { Message } from './connection.ts';
import type { Payload } from './core/frame-writer.ts';
import type { User } from './user.ts';

/** The application's hooks of a server. */
export interface Hooks {
  onConnect(user: User): unknown;
  onMessage(user: User, message: Message): unknown;
  onClose(user: User, code: number, reason: string): unknown;
  onQueueFull(user: User, message: Payload | undefined): QueueVerdict;
  onError(error: ZocaloError, user?: User): unknown;
}
