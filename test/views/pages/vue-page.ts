import { Client } from 'zocalo-client';
import { bytes } from 'zocalo-client/bytes';
import { makeApp } from './vue-room.ts';

const { app, turn } = makeApp(new Client(location.hash.slice(1), { bytes }));
app.mount('#app');
Object.assign(globalThis, { remount: () => turn.value++, leave: () => app.unmount() });
