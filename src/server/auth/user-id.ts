import { LIMITS } from '../../protocol/index.ts';

/** Lone surrogates, which UTF-8 cannot encode, and control characters, which break lines or colour a terminal. */
const UNFIT = /[\p{Cs}\p{Cc}]/u;

/** A URL's path cannot contain them: they are resolved as relative segments, even when encoded. */
const PATHS: readonly string[] = ['.', '..'];

/** Whether this can be a user's id: a text of 1 to 255 well-formed characters without control characters. */
export function isUserId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= LIMITS.channel && !UNFIT.test(id) && !PATHS.includes(id);
}
