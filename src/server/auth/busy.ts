import { ProtocolError } from '../../protocol/index.ts';

/** Milliseconds after which a login may be tried again when too many wait. */
const COME_BACK = 2_000;

export function busy(): ProtocolError {
  return new ProtocolError('UNAVAILABLE', 'too many want to come in just now', COME_BACK);
}
