import type { ChildProcess } from 'node:child_process';
import { nodeChildProcess } from '../builtins.ts';

/**
 * Reads which process groups have started (`+`) and ended (`-`). Its standard input ends when the parent has ended, for
 * whatever reason. Then the groups that are left get SIGTERM, and SIGKILL a second later.
 */
const SCRIPT = `
trap '' INT TERM HUP
groups=' '
while read -r sign group; do
  case "$sign$groups" in
    +*) groups="$groups$group " ;;
    *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
[ -z "\${groups## }" ] && exit
for group in $groups; do kill -s TERM -- "-$group"; done
sleep 1
for group in $groups; do kill -s KILL -- "-$group"; done
`;

/**
 * Ends the programs when this process ends without having ended them, even by `kill -9`. It is a small `sh` that waits
 * for that. It starts with the first program, and does not keep this process alive. On Unix only; elsewhere it does
 * nothing.
 */
export class Guard {
  readonly #groups = new Set<number>();
  #process: ChildProcess | undefined;

  /** The process group of a program that has just started. */
  add(group: number): void {
    this.#groups.add(group);
    if (this.#process) this.#tell('+', group);
    else this.#start();
  }

  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell('-', group);
  }

  #start(): void {
    if (process.platform === 'win32') return;
    const guard = nodeChildProcess().spawn('sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Ctrl+C in a terminal does not reach it
      cwd: '/',
    });
    this.#process = guard;
    guard.stdin!.on('error', () => {}); // it has ended: see below
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    const gone = () => {
      if (this.#process !== guard) return;
      this.#process = undefined;
      if (this.#groups.size > 0 && guard.pid !== undefined) this.#start();
    };
    guard.once('error', gone).once('exit', gone);
    for (const group of this.#groups) this.#tell('+', group);
  }

  #tell(sign: '+' | '-', group: number): void {
    this.#process?.stdin?.write(`${sign} ${group}\n`);
  }
}

/** The one of this process. */
export const guard = new Guard();
