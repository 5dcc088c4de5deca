import { render as renderComponent } from 'svelte/server';
import type { Client } from 'zocalo-client';
import App from './App.svelte';

export const render = async (client: Client) => (await renderComponent(App, { props: { client } })).body;
