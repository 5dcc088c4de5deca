/** Another configuration of one part, of which all that can fail is done. Call one of the two, once. */
export interface Prepared {
  /** Takes it. Cannot fail. */
  commit(): void;
  /** Lets go of it: everything is as before. */
  discard(): void;
}
