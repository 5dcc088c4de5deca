export { Certificates } from './certificates.ts';
export { CertificatesPart } from './certificates-part.ts';
