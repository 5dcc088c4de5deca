import { ProtocolError } from '../protocol/index.ts';
import type { Identity, Visitor } from './caller.ts';
import type { HubOptions } from './options.ts';
import { isTime, wrongTime } from './times.ts';

/** Identifies a visitor. @throws ProtocolError UNAUTHORIZED to refuse them; anything else that `connect` throws. */
export type Admit = (visitor: Visitor) => Promise<Identity>;

/**
 * Wraps `connect`: null refuses the visitor, and an invalid `expiresIn` is an error, since it would end every
 * connection at once.
 */
export function admission(connect: NonNullable<HubOptions['connect']>): Admit {
  return async (visitor) => {
    const identity = await connect(visitor);
    const { expiresIn } = identity ?? {};
    if (expiresIn !== undefined && !isTime(expiresIn, 0))
      throw wrongTime('expiresIn, which connect returned,', expiresIn, 0);
    if (!identity) throw new ProtocolError('UNAUTHORIZED', 'you may not connect');
    return identity;
  };
}
