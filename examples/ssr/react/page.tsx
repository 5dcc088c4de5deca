import { hydrateRoot } from 'react-dom/client';
import { Client } from 'zocalo-client';
import { Room } from './Room.tsx';

const client = new Client(location.origin.replace('http', 'ws'));
const lines = JSON.parse(document.querySelector('#lines')!.textContent!);

hydrateRoot(document.querySelector('#app')!, <Room client={client} lines={lines} />);
