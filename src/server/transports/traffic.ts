/** What goes over the sockets of one server. */
export interface Traffic {
  readonly sockets: number;
  /** Bytes. */
  readonly received: number;
  /** Bytes. */
  readonly sent: number;
  /** Bytes that wait for all readers. */
  readonly queued: number;
  /** Readers for whom more waits than the limit. */
  readonly slow: number;
}
