/** Reports a failure on the server's side to the hub's owner: `what` begins the message. */
export type Report = (what: string, cause: unknown) => void;
