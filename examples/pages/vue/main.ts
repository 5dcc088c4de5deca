import { createApp } from 'vue';
import { Client } from 'zocalo-client';
import Room from './Room.vue';

const name = new URLSearchParams(location.search).get('name') ?? 'Somebody';
const client = new Client(location.origin.replace('http', 'ws'), { token: name });

createApp(Room, { client, channel: 'chat:room', name }).mount('#app');
