export type { ApiOptions, Listener } from './api.ts';
export { type Api, createApi, loadApi } from './on-demand.ts';
export { isEvents } from './paths.ts';
