export type { ApiOptions, Listener } from './api.ts';
export type { ApiCaller, KeyRing } from './caller.ts';
export { type Api, createApi, loadApi } from './on-demand.ts';
export { isEvents } from './paths.ts';
