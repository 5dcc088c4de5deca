import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Client } from 'zocalo-client';
import { Room } from './Room.tsx';

const name = new URLSearchParams(location.search).get('name') ?? 'Somebody';
const client = new Client(location.origin.replace('http', 'ws'), { token: name });

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <Room client={client} channel="chat:room" name={name} />
  </StrictMode>,
);
