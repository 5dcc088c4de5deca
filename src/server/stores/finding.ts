/** What the doctor reports about a store. */
export interface StoreFinding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly sentence: string;
  /** What to do about a warning or a problem. */
  readonly advice?: string;
  /** The error that was thrown, which has a sentence and advice of its own. */
  readonly error?: unknown;
}
