import { readdir } from 'node:fs/promises';
import { isChannel } from '../../protocol/index.ts';
import { type FileTable, StaticFiles } from '../static-files.ts';

/** Where `web/` and `src/` stand: three floors up, in the repository as in the built package. */
const ROOT = new URL('../../../', import.meta.url);

/** Sources are served with their types taken out; the built package holds the same files as `.js`. */
const CODE = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

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

/** Floors that run in browsers, and are served whole. */
const FLOORS = ['src/client', 'src/protocol'];

/**
 * Every file that the chat's page consists of. The page names its first script without an ending, since that
 * differs between the two; the scripts name each other with theirs.
 */
export async function chatFiles(): Promise<FileTable> {
  const modules = [...MODULES, ...(await Promise.all(FLOORS.map(modulesOf))).flat()];
  return {
    '/': new URL('web/index.html', ROOT),
    '/web/theme.css': new URL('web/theme.css', ROOT),
    '/web/chat.css': new URL('web/chat.css', ROOT),
    '/web/arches.svg': new URL('web/arches.svg', ROOT),
    '/web/icon.svg': new URL('web/icon.svg', ROOT),
    '/favicon.ico': new URL('web/icon.svg', ROOT),
    '/web/main': new URL(`web/main${CODE}`, ROOT),
    ...Object.fromEntries(modules.map((path) => [`/${path}${CODE}`, new URL(`${path}${CODE}`, ROOT)])),
  };
}

async function modulesOf(folder: string): Promise<string[]> {
  const names = await readdir(new URL(`${folder}/`, ROOT));
  return names
    .filter((name) => name.endsWith(CODE) && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name.slice(0, -CODE.length)}`);
}

/** `/` is the page, and so is the path of every room: `/chat:tacos`. */
export async function readChatPage(): Promise<StaticFiles> {
  const files = await StaticFiles.read(await chatFiles());
  return files.under((path) => (isRoom(path) ? '/' : path));
}

function isRoom(path: string): boolean {
  return /^\/chat:./.test(path) && isChannel(path.slice(1));
}
