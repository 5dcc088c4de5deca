import { createSSRApp } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { Client } from 'zocalo-client';
import type { Line } from '../lines.ts';
import Room from './Room.vue';

const client = new Client('ws://localhost'); // which the composables do not use on a server

export const render = (lines: readonly Line[]) => renderToString(createSSRApp(Room, { client, lines }));
