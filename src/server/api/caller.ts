import { isOwn } from '../../hub/index.ts';
import type { ApiRight } from '../config/index.ts';

/** Whoever calls the HTTP API: an API key's owner, or a program of this machine. */
export interface ApiCaller {
  /** For the logs. */
  readonly name: string;
  /** Whether they have the right; with `channel`, whether they have it there. */
  may(right: ApiRight, channel?: string): boolean;
}

/** Finds whose key an `Authorization` header carries. */
export interface KeyRing {
  find(authorization: string | undefined): ApiCaller | undefined;
}

/** A program that could open the Unix socket: the mode of its file is the key. What the admin page shows stays closed to it. */
export const LOCAL: ApiCaller = {
  name: 'socket',
  may: (right, channel) => right !== 'admin' && !(channel !== undefined && isOwn(channel)),
};
