import { hydrateRoot } from 'react-dom/client';
import { Client } from 'zocalo-client';
import { bytes } from 'zocalo-client/bytes';
import { App } from './react-room.tsx';

const client = new Client(location.hash.slice(1), { bytes });
let turn = 0;
const root = hydrateRoot(document.querySelector('#app')!, <App client={client} turn={turn} />);
Object.assign(globalThis, {
  remount: () => root.render(<App client={client} turn={++turn} />),
  leave: () => root.unmount(),
});
