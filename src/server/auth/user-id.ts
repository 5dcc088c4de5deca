import { LIMITS } from '../../protocol/index.ts';

/** What can be sent in no UTF-8, and what makes two lines of one or colours of a terminal's text. */
const UNFIT = /[\p{Cs}\p{Cc}]/u;

/** A URL's path cannot contain them: they are resolved as relative segments, even when encoded. */
const PATHS: readonly string[] = ['.', '..'];

/** Whether somebody can be known by this: a text of 1 to 255 characters, whole, without control characters. */
export function isUserId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= LIMITS.channel && !UNFIT.test(id) && !PATHS.includes(id);
}
