/** The SDK for a page without a bundler, at `/zocalo.js`. The built package has it here as one minified module. */
export * from '../src/client/index.ts';
