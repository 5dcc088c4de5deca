export { ADVICE, type ErrorCode, ZocaloError } from './errors.ts';
