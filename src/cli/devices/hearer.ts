/** Is told what comes by the connections of `zocalo listen`, which are numbered from 1. */
export interface Hearer {
  opened(connection: number, from: string): void;
  /** Once it resolves, more is read. */
  heard(connection: number, bytes: Buffer): void | Promise<void>;
  ended(connection: number): void;
  /** There will be nothing more. */
  close(): void;
}
