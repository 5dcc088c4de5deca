import type { Identity } from '../../hub/index.ts';
import type { Handshake } from './credentials.ts';

/** What the application says of a visitor. */
export type Verdict =
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'known'; readonly identity: Identity };

/** The application's own login: a handler of `connect`. */
export interface Application {
  /** `token`: one that cannot be checked here. @throws ProtocolError UNAVAILABLE when there is no answer. */
  ask(handshake: Handshake, token: string | undefined): Promise<Verdict>;
}
