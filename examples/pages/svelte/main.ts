import { mount } from 'svelte';
import { Client } from 'zocalo-client';
import Room from './Room.svelte';

const name = new URLSearchParams(location.search).get('name') ?? 'Somebody';
const client = new Client(location.origin.replace('http', 'ws'), { token: name });

mount(Room, { target: document.querySelector('#app')!, props: { client, room: 'chat:room', name } });
