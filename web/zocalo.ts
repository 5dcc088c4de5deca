/** The SDK for pages without a bundler, at `/zocalo.js`. In the built package it is one minified module. */
export { type Bytes, bytes } from '../src/client/bytes.ts';
export { withFallback } from '../src/client/fallback.ts';
export * from '../src/client/index.ts';
