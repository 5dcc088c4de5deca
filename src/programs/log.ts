/** Where it is logged what happens to programs: fields first, then a sentence. The daemon's log is one. */
export interface ProgramLog {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}
