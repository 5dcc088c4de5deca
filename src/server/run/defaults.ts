/** Where `zocalo run` listens, and whose pages may connect, unless it is told otherwise. */
export const LISTEN = 'ws://127.0.0.1:9000';
export const ORIGINS = ['same', 'file://'];
