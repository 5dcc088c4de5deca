import { ZocaloError } from '../../errors.ts';

/** Milliseconds after which a command whose result has not come is handed over again. */
const AGAIN = 60_000;

export interface PendingCommand {
  readonly id: number;
  readonly text: string;
  /** The device has said how it went. */
  readonly done: () => void;
  /** When it was handed over last; undefined: never. */
  handed: number | undefined;
}

/** Commands for devices that ask for them: kept until the device says how they went. */
export class Mailboxes {
  readonly #limits: { readonly devices: number; readonly commands: number };
  readonly #boxes = new Map<string, PendingCommand[]>();
  #id: number;

  /** `first`: the number of the first command. A device may remember those of the last run. */
  constructor(limits: { readonly devices: number; readonly commands: number }, first: number) {
    this.#limits = limits;
    this.#id = first;
  }

  /** Resolves when the device has said how it went. @throws ZocaloError COMMANDS_FULL. */
  put(device: string, text: string): Promise<void> {
    const box = this.#boxes.get(device) ?? [];
    if (box.length >= this.#limits.commands || (box.length === 0 && this.#boxes.size >= this.#limits.devices))
      throw new ZocaloError('COMMANDS_FULL', `${box.length} commands wait for the device ${device}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    box.push({ id: this.#id++, text, handed: undefined, done: resolve });
    this.#boxes.set(device, box);
    return promise;
  }

  /** Those that it has not been given yet, or long ago, in their order. */
  take(device: string, now: number): readonly PendingCommand[] {
    const due = (this.#boxes.get(device) ?? []).filter(({ handed }) => handed === undefined || now - handed >= AGAIN);
    for (const command of due) command.handed = now;
    return due;
  }

  /** The device has told how it went. The command, if it is known. */
  settle(device: string, id: number): PendingCommand | undefined {
    const box = this.#boxes.get(device) ?? [];
    const at = box.findIndex((command) => command.id === id);
    if (at < 0) return;
    const [command] = box.splice(at, 1);
    if (box.length === 0) this.#boxes.delete(device);
    command?.done();
    return command;
  }

  waiting(device: string): number {
    return this.#boxes.get(device)?.length ?? 0;
  }
}
