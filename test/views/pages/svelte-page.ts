import { hydrate, unmount } from 'svelte';
import { Client } from 'zocalo-client';
import { bytes } from 'zocalo-client/bytes';
import App from './App.svelte';

const client = new Client(location.hash.slice(1), { bytes });
const app = hydrate(App, { target: document.querySelector('#app')!, props: { client } }) as { remount(): void };
Object.assign(globalThis, { remount: () => app.remount(), leave: () => unmount(app) });
