type Listeners<Events> = { [Name in keyof Events]?: Set<(event: Events[Name]) => void> };

/** Typed events. */
export class Emitter<Events> {
  readonly #listeners: Listeners<Events> = {};

  /** Calls `listener` at each event of that name. Returns a function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners: Set<(event: Events[Name]) => void> = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  has(name: keyof Events): boolean {
    return !!this.#listeners[name]?.size;
  }

  /** Returns whether there was a listener. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean {
    const listeners = [...(this.#listeners[name] ?? [])];
    for (const listener of listeners)
      try {
        listener(event);
      } catch (error) {
        // Reported as an uncaught error, without interrupting the line that is being handled.
        queueMicrotask(() => {
          throw error;
        });
      }
    return listeners.length > 0;
  }
}
