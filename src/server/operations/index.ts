export { Drain, type Step } from './drain.ts';
export { Health, type HealthOptions, type Trouble } from './health.ts';
export { createLog, type LevelLog, type Log, type LogOptions } from './log.ts';
export { Metrics } from './metrics.ts';
export { Probes, type ProbesOptions } from './probes.ts';
export { SparseLog } from './sparse-log.ts';
export { type SupervisorOptions, supervise, workerCommand } from './supervisor.ts';
export { promiseDrain, supervisorGone } from './worker.ts';
