/** Imported first by the command: a signal that comes while the rest of the program is loaded must not end `serve` or `run`. */

export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type Signal = (typeof SIGNALS)[number];

const early: Signal[] = [];
const note = (signal: NodeJS.Signals) => void early.push(signal as Signal);

// The other commands may be interrupted at any time.
if (process.argv[2] === 'serve' || process.argv[2] === 'run') {
  for (const signal of SIGNALS) process.on(signal, note);
  process.send?.({ hears: true }, undefined, undefined, () => {}); // a supervisor, which may be gone
}

/** From now on `hear` gets each signal, and immediately those that came before. */
export function takeSignals(hear: (signal: Signal) => void): void {
  for (const signal of SIGNALS) process.on(signal, () => hear(signal)).off(signal, note);
  for (const signal of early.splice(0)) hear(signal);
}
