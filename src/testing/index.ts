/** For the tests of applications: a hub and clients in one process, on a clock that stands still. */
export { FakeClock } from './fake-clock.ts';
export { type TestClientOptions, TestNetwork, type TestParts } from './test-network.ts';
