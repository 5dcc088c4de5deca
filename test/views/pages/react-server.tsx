import { renderToString } from 'react-dom/server';
import type { Client } from 'zocalo-client';
import { App } from './react-room.tsx';

export const render = async (client: Client) => renderToString(<App client={client} turn={0} />);
