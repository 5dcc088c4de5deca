/** A database server that a test started, and can stop, kill and start again at the same address. */
export interface DatabaseServer {
  /** Of the empty database `shop`, as a user who may do everything. */
  readonly address: string;
  start(): Promise<void>;
  /** SIGKILL by default. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}
