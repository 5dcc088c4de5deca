export { type Api, type ApiOptions, createApi, type Listener } from './api.ts';
export type { ApiCaller, KeyRing } from './caller.ts';
