import type { Step } from './operations/index.ts';

interface Part {
  open(): unknown;
  close(): unknown;
}

/** What the daemon has opened so far, to be closed in reverse. */
export class Parts {
  /** The last one that was opened first. */
  readonly steps: Step[] = [];

  open(what: string, part: Part): Promise<void> {
    return this.#open({ what, stop: () => part.close() }, () => part.open());
  }

  /** `close` has so many milliseconds; doors that are opened one after the other close at the same time. */
  openDoor(what: string, open: () => unknown, close: (grace: number) => unknown): Promise<void> {
    return this.#open({ what, stop: close, isDoor: true }, open);
  }

  async #open(step: Step, open: () => unknown): Promise<void> {
    // Also what fails to open may have begun to.
    this.steps.unshift(step);
    await open();
  }

  /** After a failure, which is the one to tell of: what fails here too is passed over. */
  async undo(): Promise<void> {
    for (const { stop } of this.steps.splice(0)) {
      try {
        await stop(0);
      } catch {}
    }
  }
}
