/** The SDK for pages without a bundler, at `/zocalo.js`. In the built package it is one minified module. */
export * from '../src/client/index.ts';
