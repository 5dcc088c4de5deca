import { checkNames, type OptionNames } from '../option-names.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { Identity, Visitor } from './caller.ts';
import { checkName } from './channel-name.ts';
import type { HubOptions } from './options.ts';
import type { Rights } from './rights.ts';
import { isTime, wrongTime } from './times.ts';

/** Identifies a visitor. @throws ProtocolError UNAUTHORIZED to refuse them; anything else that `connect` throws. */
export type Admit = (visitor: Visitor) => Promise<Identity>;

const NAMES: OptionNames<Identity> = {
  user: true,
  data: true,
  token: true,
  expiresIn: true,
  channels: true,
  rights: true,
  isInternal: true,
};
const RIGHTS: OptionNames<Rights> = { subscribe: true, publish: true, presence: true };

/**
 * Wraps `connect`: null refuses the visitor. An invalid `expiresIn` is an error, since it would end every connection at
 * once, and so is a member that there is not: with misspelt `rights`, everything would be allowed.
 */
export function admission(connect: NonNullable<HubOptions['connect']>): Admit {
  return async (visitor) => {
    const identity = await connect(visitor);
    checkNames(identity ?? {}, NAMES, 'in what connect returned');
    const { expiresIn, rights, channels = [] } = identity ?? {};
    for (const channel of channels) checkName(channel);
    checkNames(rights ?? {}, RIGHTS, 'in the rights that connect returned');
    if (expiresIn !== undefined && !isTime(expiresIn, 0))
      throw wrongTime('expiresIn, which connect returned,', expiresIn, 0);
    if (!identity) throw new ProtocolError('UNAUTHORIZED', 'you may not connect');
    return identity;
  };
}
