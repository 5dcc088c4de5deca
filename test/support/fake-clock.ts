export { FakeClock } from '../../src/testing/index.ts';
