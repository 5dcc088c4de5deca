import { ProtocolError } from '../protocol/index.ts';
import type { Identity, Visitor } from './caller.ts';
import type { HubOptions } from './options.ts';
import { isTime, wrongTime } from './times.ts';

/** Says who a visitor is. @throws ProtocolError UNAUTHORIZED for one who may not come in; whatever else `connect` throws. */
export type Admit = (visitor: Visitor) => Promise<Identity>;

/**
 * `connect`, for which null turns the visitor away. What it answers must have an `expiresIn` that can be kept: one that is
 * no number would end everybody at once.
 */
export function admission(connect: NonNullable<HubOptions['connect']>): Admit {
  return async (visitor) => {
    const identity = await connect(visitor);
    const { expiresIn } = identity ?? {};
    if (expiresIn !== undefined && !isTime(expiresIn, 0))
      throw wrongTime('expiresIn, which connect answered,', expiresIn, 0);
    if (!identity) throw new ProtocolError('UNAUTHORIZED', 'you may not come in');
    return identity;
  };
}
