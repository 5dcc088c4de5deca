/** A room that a server renders with its messages, in React or Vue: node examples/ssr/serve.ts react */
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { Hub, memory, serve } from 'zocalo';
import { components } from '../pages/components.ts';
import type { Line } from './lines.ts';
import { newest } from './newest.ts';

const framework = process.argv[2] ?? 'react';
async function bundle(part: 'server' | 'page'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${import.meta.dirname}/${framework}/${part}.${framework === 'react' ? 'tsx' : 'ts'}`],
    bundle: true,
    format: 'esm',
    write: false,
    plugins: [components],
    ...(part === 'server' && {
      platform: 'node',
      banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('/');` },
    }),
  });
  return outputFiles[0]!.text;
}
const script = await bundle('page');
const { render }: { render(lines: readonly Line[]): string | Promise<string> } = await import(
  `data:text/javascript,${encodeURIComponent(await bundle('server'))}`
);

const http = createServer(async ({ url }, response) => {
  response.setHeader('content-type', url === '/page.js' ? 'text/javascript' : 'text/html; charset=utf-8');
  if (url === '/page.js') return response.end(script);
  const lines = await newest(hub, 'chat:room', 20);
  response.end(`<!doctype html>
<div id="app">${await render(lines)}</div>
<script type="application/json" id="lines">${JSON.stringify(lines).replaceAll('<', '\\u003c')}</script>
<script type="module" src="/page.js"></script>`);
});

const hub = new Hub({ broker: memory(), channels: { 'chat:*': { history: { size: 1000 } } } });
await serve(hub, { server: http });
let said = 0;
process.stdin.on('data', () => hub.publish('chat:room', { text: `line ${++said} <b>` })); // Enter publishes

http.listen(Number(process.env.PORT ?? 9000), 'localhost', () => {
  console.log('Open', `http://localhost:${(http.address() as { port: number }).port}/`);
});
