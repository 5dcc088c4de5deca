export { Drain, type Step } from './drain.ts';
export { guardedClock } from './guarded-clock.ts';
export { Health, type HealthOptions, type Trouble } from './health.ts';
export { createLog, type LevelLog, type Log, type LogOptions } from './log.ts';
export { Metrics } from './metrics.ts';
export { Probes, type ProbesOptions } from './probes.ts';
export { residentMemory } from './resident-memory.ts';
export { SparseLog } from './sparse-log.ts';
export { writeAtOnce } from './write-at-once.ts';
