import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { output } from '../servers.ts';

/** The tutorial's chat on Zócalo, and on other things that run PHP. */

export interface Room {
  name: string;
  command: string[];
  /** For LIBRARY. */
  library: string;
  /** For NODELAY. */
  noDelay?: boolean;
  /** Name and version, for the results. */
  about?: string;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
export const ZOCALO = 'zocalo run';
export const LOOP = "the library's loop";
/** What its messages cost when the system holds none of them back. Zócalo and Workerman set this option too. */
const UNDELAYED = `${LOOP}, TCP_NODELAY`;

/** Those besides Zócalo, by their option: the file that its path names, and the program of this folder that uses it. */
export const OTHERS = {
  loop: {
    name: LOOP,
    file: 'websockets.php',
    program: 'room.php',
    about: () => 'PHP-Websockets, with a change for PHP 8 (see [README.md](README.md#programs-and-handlers))',
  },
  workerman: {
    name: 'Workerman',
    file: 'autoload.php',
    program: 'workerman.php',
    about: (path: string) => {
      const code =
        'require $argv[1]; echo Workerman\\Worker::VERSION, class_exists("EventBase") ? "" : " without ext-event";';
      return `Workerman ${output('php', '-r', code, '--', path)}`;
    },
  },
};
export type Other = keyof typeof OTHERS;

/** `paths`: of the libraries, a file each. Those without one, or whose file is not there, are left out. */
export function rooms(paths: Partial<Record<Other, string>>, remark: (text: string) => void): Room[] {
  const zocalo = [process.execPath, here('../../src/cli.ts'), 'run', '--waiting', '100000', 'php', here('room.php')];
  const found: Room[] = [{ name: ZOCALO, command: zocalo, library: here('../../php/websockets.php') }];
  for (const [option, { name, file, program, about }] of Object.entries(OTHERS)) {
    const path = paths[option as Other];
    if (path === undefined) remark(`${name} is left out: --${option} with the path of its ${file} was not given`);
    else if (!existsSync(path)) remark(`${name} is left out: there is no ${path}`);
    else found.push({ name, command: ['php', here(program)], library: resolve(path), about: about(path) });
  }
  return found;
}

/** The same rooms, and the library's loop once more, as if it set TCP_NODELAY. */
export function withUndelayed(rooms: readonly Room[]): Room[] {
  return rooms.flatMap((room) => (room.name === LOOP ? [room, { ...room, name: UNDELAYED, noDelay: true }] : [room]));
}
