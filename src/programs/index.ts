/** Other programs as processes, and the lines that are exchanged with them. */
export type { ChannelKind } from './channel.ts';
export { commandOf } from './command.ts';
export { cleanEnvironment, type Variables } from './environment.ts';
export { FileWatch } from './file-watch.ts';
export { Guard } from './guard.ts';
export { LineBudget } from './line-budget.ts';
export type { LineWriter } from './line-writer.ts';
export type { ProgramLog } from './log.ts';
export { Program, type ProgramOptions } from './program.ts';
export { endError, type ProgramEnd } from './program-end.ts';
export { checkProgram } from './start-error.ts';
export { Supervised, type SupervisedOptions } from './supervised.ts';
