import { type Action, type Permission, rightMissing } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { Who } from '../config/index.ts';

/**
 * Makes the hub's option from the word in the config: `granted` admits callers whose rights name the channel. `entry`
 * is the entry of `channels`, for the message of a refusal.
 */
export function permission(who: Who, action: Exclude<Action, 'presence'>, entry: string): Permission {
  const refuse = (then: string) => {
    const sentence = `channels["${entry}"].${action} is ${who}${then}`;
    throw new ProtocolError('FORBIDDEN', sentence, undefined, 'CHANNEL_OPTION');
  };
  switch (who) {
    case 'everyone':
      return true;
    case 'users':
      return (caller) => caller.user !== undefined || refuse(', and you are not logged in');
    case 'granted':
      return (caller, channel) => {
        if (caller.isGranted(action, channel)) return true;
        throw rightMissing(action, channel);
      };
    case 'nobody':
      return () => refuse(action === 'publish' ? ': only API keys publish here' : '');
  }
}
