import { isOwn } from '../../hub/index.ts';
import type { ApiCaller } from '../auth/index.ts';

/** A program that opened the Unix socket, whose file mode controls access. It cannot use what the admin page shows. */
export const LOCAL: ApiCaller = {
  name: 'socket',
  may: (right, channel) => right !== 'admin' && !(channel !== undefined && isOwn(channel)),
};
