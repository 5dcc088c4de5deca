import { renderToString } from 'vue/server-renderer';
import type { Client } from 'zocalo-client';
import { makeApp } from './vue-room.ts';

export const render = (client: Client) => renderToString(makeApp(client).app);
