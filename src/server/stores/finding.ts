/** What the doctor reports of a store. */
export interface StoreFinding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly sentence: string;
  /** What to do, for what is not ok. */
  readonly advice?: string;
  /** What was thrown, which says both itself. */
  readonly error?: unknown;
}
