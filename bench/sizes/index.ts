export { bundled, type Loaded } from './bundled.ts';
export { OURS, PEERS } from './entries.ts';
export { type Size, sizesReport } from './report.ts';
