import { createSSRApp } from 'vue';
import { Client } from 'zocalo-client';
import Room from './Room.vue';

const client = new Client(location.origin.replace('http', 'ws'));
const lines = JSON.parse(document.querySelector('#lines')!.textContent!);

createSSRApp(Room, { client, lines }).mount('#app');
