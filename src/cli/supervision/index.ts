export { type SupervisorOptions, supervise, workerCommand } from './supervisor.ts';
export { announceDrain, supervisorGone } from './worker.ts';
