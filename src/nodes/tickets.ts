/** What a ticket is for. */
export interface Place {
  readonly user?: string | undefined;
  /** The id in presence. */
  readonly member: string;
}

/** Where nodes find each other's tickets, by which clients resume a connection that they had elsewhere. */
export interface Tickets {
  /** A text for the tickets of this node, by which others know where they are from. */
  readonly origin: string;
  /** Keeps the tickets that this node has issued where others find them. Call it once. */
  keep(all: () => Iterable<readonly [ticket: string, place: Place]>): void;
  /** This node has issued a ticket, or it is not valid any more. */
  put(ticket: string, place: Place): void;
  drop(ticket: string): void;
  /** Takes a ticket of another node; each works once. Undefined: it is not valid. Rejects with LOG_…. */
  take(ticket: string, origin: string): Promise<Place | undefined>;
}
