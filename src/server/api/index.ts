export type { ApiOptions } from './api.ts';
export { type Api, createApi, loadApi } from './on-demand.ts';
export { isEvents } from './paths.ts';
