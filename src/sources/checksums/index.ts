export { CHECKSUMS, type Checksum, type ChecksumName } from './checksum.ts';
