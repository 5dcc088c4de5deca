export { HttpSessions, type HttpSessionsOptions } from './http-sessions.ts';
