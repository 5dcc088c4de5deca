/** One chat room as a page in React, Vue or Svelte: node examples/pages/serve.ts react */
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { Hub, memory, serve } from 'zocalo';
import { components } from './components.ts';

const framework = process.argv[2] ?? 'react';
const { outputFiles } = await build({
  entryPoints: [`${import.meta.dirname}/${framework}/main.${framework === 'react' ? 'tsx' : 'ts'}`],
  bundle: true,
  format: 'esm',
  write: false,
  plugins: [components],
});

const PAGE = `<!doctype html>
<meta charset="utf-8"><title>A room in ${framework}</title>
<style>body { font: 16px system-ui; max-width: 40em; margin: 2em auto } .sending { opacity: 0.5 } .failed { color: #b00 }</style>
<div id="app"></div>
<script type="module" src="/page.js"></script>`;

const http = createServer(({ url }, response) => {
  const isScript = url === '/page.js';
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
  response.end(isScript ? outputFiles[0]!.text : PAGE);
});

const hub = new Hub({
  broker: memory(),
  // In your application: look the token up. Here the visitor's name is trusted.
  connect: ({ token }) => (token ? { user: token } : null),
  channels: { 'chat:*': { history: { size: 1000 }, presence: true } },
});
const server = await serve(hub, { server: http });

http.listen(Number(process.env.PORT ?? 9000), 'localhost', () => {
  console.log('Open', `http://localhost:${(http.address() as { port: number }).port}/?name=Ana`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    http.close();
    await server.close({ grace: 1000 });
    await hub.close();
  });
