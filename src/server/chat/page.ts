import { isChannel } from '../../protocol/index.ts';
import { CODE, type FileTable, modules, StaticFiles, sdkModules, tableOf } from '../http/index.ts';

const MODULES = [
  'src/server/chat/message',
  'web/avatar',
  'web/connection-bar',
  'web/conversation',
  'web/dom',
  'web/main',
  'web/memory',
  'web/message-list',
  'web/people-list',
  'web/room-bar',
  'web/room',
  'web/words',
];

/**
 * All files of the chat page. The page names its first script without an ending, since that is .ts in the sources and
 * .js in the package; the scripts name each other with theirs.
 */
export function chatFiles(): FileTable {
  return {
    ...tableOf({
      '/': 'web/index.html',
      '/web/theme.css': 'web/theme.css',
      '/web/chat.css': 'web/chat.css',
      '/web/conversation.css': 'web/conversation.css',
      '/web/arches.svg': 'web/arches.svg',
      '/web/icon.svg': 'web/icon.svg',
      '/favicon.ico': 'web/icon.svg',
      '/web/main': `web/main${CODE}`,
    }),
    ...modules(MODULES),
    ...sdkModules(),
  };
}

/** `/` is the page, and so is the path of every room: `/chat:tacos`. */
export async function readChatPage(): Promise<StaticFiles> {
  const files = await StaticFiles.read(chatFiles());
  return files.under((path) => (isRoom(path) ? '/' : path));
}

function isRoom(path: string): boolean {
  return /^\/chat:./.test(path) && isChannel(path.slice(1));
}
