export { type EachOptions, ProgramPerConnection } from './each.ts';
export { type SharedOptions, SharedProgram } from './shared.ts';
