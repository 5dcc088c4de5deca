import type { Action, Permission } from '../../hub/index.ts';
import type { Who } from '../config/index.ts';

/** A word of the config as the hub's option: `granted` is for those whose rights name the channel. */
export function permission(who: Who, action: Action): Permission {
  switch (who) {
    case 'everyone':
      return true;
    case 'users':
      return (caller) => caller.user !== undefined;
    case 'granted':
      return (caller, channel) => caller.isGranted(action, channel);
    case 'nobody':
      return false;
  }
}
