import { Client } from 'zocalo-client';
import { makeApp } from './vue-room.ts';

const { app, turn } = makeApp(new Client(location.hash.slice(1)));
app.mount('#app');
Object.assign(globalThis, { remount: () => turn.value++, leave: () => app.unmount() });
