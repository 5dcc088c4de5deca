import { isOwn } from '../../hub/index.ts';
import type { ApiCaller } from '../auth/index.ts';

/** A program that could open the Unix socket: the mode of its file is the key. What the admin page shows stays closed to it. */
export const LOCAL: ApiCaller = {
  name: 'socket',
  may: (right, channel) => right !== 'admin' && !(channel !== undefined && isOwn(channel)),
};
