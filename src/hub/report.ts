/** Tells the hub's owner of what failed on the server's side: `what` begins the sentence. */
export type Report = (what: string, cause: unknown) => void;
