import { randomUUID } from 'node:crypto';
import type { Code } from '../../protocol/index.ts';
import type { Identity, UserConnection } from '../caller.ts';
import type { Excluded } from '../channels/excluded.ts';
import { type Action, Grants } from '../rights.ts';
import type { VisitorRequest } from '../visitor-request.ts';
import type { Wire } from '../wire.ts';
import type { HubContext } from './context.ts';
import { Pace } from './pace.ts';

/** RFC 6455 §7.4.1: the connection was lost without a close frame. */
export const LOST = 1006;

const NOTHING = (): void => {};

/** What every connection has, whatever its transport: an identity with rights, their expiry, and rate limits. */
export abstract class Standing implements UserConnection, Excluded {
  readonly id: string = randomUUID();
  readonly wire: Wire;
  readonly request: VisitorRequest | undefined;
  readonly since = Date.now();
  readonly pace: Pace;
  readonly #context: HubContext;
  #identity: Identity = {};
  #isInternal = false;
  #grants: Grants | null = null;
  #cancelDeadline = NOTHING;

  constructor(context: HubContext, wire: Wire, request: VisitorRequest | undefined) {
    this.#context = context;
    this.wire = wire;
    this.request = request;
    this.pace = new Pace(context.clock, context.limits);
  }

  abstract readonly kind: 'protocol' | 'text';
  abstract readonly channels: readonly string[];
  abstract send(data: unknown): void;
  abstract subscribe(channel: string): boolean;
  abstract unsubscribe(channel: string, code?: Code, message?: string): boolean;
  abstract end(code: Code, message?: string): void;
  abstract skip(...what: Parameters<Excluded['skip']>): void;
  /** Called when the identity expires. */
  protected abstract expire(): void;

  get remoteAddress(): string | undefined {
    return this.wire.remoteAddress;
  }

  get user(): string | undefined {
    return this.#identity.user;
  }

  get data(): unknown {
    return this.#identity.data;
  }

  get isInternal(): boolean {
    return this.#isInternal;
  }

  may(action: Action, channel: string): boolean {
    return this.#grants === null || this.#grants.allow(action, channel);
  }

  isGranted(action: Action, channel: string): boolean {
    return this.#grants?.allow(action, channel) ?? false;
  }

  disconnect(message?: string): void {
    this.end('CLOSED', message);
  }

  /** Sets the identity that `connect` returned. From here on the connection can be found and ended. */
  protected admit(identity: Identity): void {
    this.renew(identity);
    this.#isInternal = identity.isInternal ?? false; // for good: it is counted by this
    this.#context.users.add(this);
  }

  /** Replaces the identity of the same user. */
  renew(identity: Identity): void {
    this.setDeadline(identity.expiresIn, () => this.expire());
    this.#identity = identity;
    this.#grants = identity.rights ? new Grants(identity.rights) : null;
  }

  /** Sets the only deadline; undefined removes it. */
  protected setDeadline(milliseconds: number | undefined, onPassed: () => void): void {
    this.#cancelDeadline();
    // Release the cancelled timer and its closures: they are a tenth of an idle connection.
    this.#cancelDeadline = milliseconds === undefined ? NOTHING : this.#context.clock.after(milliseconds, onPassed);
  }

  /** The connection has ended: removes its deadline, and its entry among the users. */
  protected dismiss(code: number, wait = 0): void {
    this.#cancelDeadline();
    this.#context.users.remove(this, code, wait);
  }
}
