import { type FileTable, StaticFiles } from './static-files.ts';

/** Where `web/` and `src/` stand: two floors up, in the repository as in the built package. */
const ROOT = new URL('../../', import.meta.url);

/** Sources are served with their types taken out; the built package holds the same files as `.js`. */
const CODE = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

const MODULES = [
  'src/client/reconnecting-socket',
  'web/avatar',
  'web/connection-bar',
  'web/conversation',
  'web/dom',
  'web/main',
  'web/memory',
  'web/message-list',
  'web/people-list',
  'web/words',
];

/**
 * Every file that the chat's page consists of. The page names its first script without an ending, since that
 * differs between the two; the scripts name each other with theirs.
 */
export const CHAT_FILES: FileTable = {
  '/': new URL('web/index.html', ROOT),
  '/web/theme.css': new URL('web/theme.css', ROOT),
  '/web/chat.css': new URL('web/chat.css', ROOT),
  '/web/arches.svg': new URL('web/arches.svg', ROOT),
  '/web/icon.svg': new URL('web/icon.svg', ROOT),
  '/favicon.ico': new URL('web/icon.svg', ROOT),
  '/web/main': new URL(`web/main${CODE}`, ROOT),
  ...Object.fromEntries(MODULES.map((path) => [`/${path}${CODE}`, new URL(`${path}${CODE}`, ROOT)])),
};

export function readChatPage(): Promise<StaticFiles> {
  return StaticFiles.read(CHAT_FILES);
}
