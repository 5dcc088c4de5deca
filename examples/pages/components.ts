/** Files of Vue and Svelte for esbuild. Vite does this by itself. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Plugin } from 'esbuild';

export const components: Plugin = {
  name: 'components',
  setup({ initialOptions, onLoad }) {
    initialOptions.define = {
      ...initialOptions.define,
      __VUE_OPTIONS_API__: 'false',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'true',
    };
    onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { compileScript, parse } = await import('vue/compiler-sfc');
      const { descriptor } = parse(await readFile(path, 'utf8'), { filename: path });
      const { content } = compileScript(descriptor, { id: basename(path), inlineTemplate: true });
      return { contents: content, loader: 'ts' };
    });
    const generate = initialOptions.platform === 'node' ? 'server' : 'client';
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { compile } = await import('svelte/compiler');
      const { js } = compile(await readFile(path, 'utf8'), { filename: path, generate });
      return { contents: js.code, loader: 'js' };
    });
  },
};
