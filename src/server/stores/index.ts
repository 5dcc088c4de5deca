export type { StoreFinding } from './finding.ts';
export { brokerOf, fileBeside, inspectStore, STORES, type Store, storeForms } from './stores.ts';
