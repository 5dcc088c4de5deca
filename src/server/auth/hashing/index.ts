export { type Hashing, HashThreads } from './hash-threads.ts';
export { dummyHash, readHash, type StoredHash, usualCost } from './stored-hash.ts';
