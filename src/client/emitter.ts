type Listeners<Events> = { [Name in keyof Events]?: Set<(event: Events[Name]) => void> };

/** Events with their types, and nothing more. */
export class Emitter<Events> {
  readonly #listeners: Listeners<Events> = {};

  /** Calls `listener` at each event of that name. The answer stops it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners: Set<(event: Events[Name]) => void> = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  has(name: keyof Events): boolean {
    return !!this.#listeners[name]?.size;
  }

  /** Whether anybody listened. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean {
    const listeners = [...(this.#listeners[name] ?? [])];
    for (const listener of listeners)
      try {
        listener(event);
      } catch (error) {
        // An uncaught error as ever, but it does not leave the line that was being read half done.
        queueMicrotask(() => {
          throw error;
        });
      }
    return listeners.length > 0;
  }
}
