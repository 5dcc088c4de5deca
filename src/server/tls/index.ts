export { Certificates } from './certificates.ts';
