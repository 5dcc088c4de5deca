import { renderToString } from 'react-dom/server';
import { Client } from 'zocalo-client';
import type { Line } from '../lines.ts';
import { Room } from './Room.tsx';

const client = new Client('ws://localhost'); // which the hooks do not use on a server

export const render = (lines: readonly Line[]) => renderToString(<Room client={client} lines={lines} />);
