/** A message as the server renders it, and as the page gets it for the hydration. */
export interface Line {
  /** As a row of `useChannel` has it. */
  id: string;
  data: { text: string };
}
