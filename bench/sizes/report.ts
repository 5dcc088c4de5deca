import type { Loaded } from './bundled.ts';

export interface Size extends Loaded {
  readonly what: string;
  /** What `npm install` brings. */
  readonly packages: number;
  readonly bytes: number;
}

const bytesOf = (count: number) => count.toLocaleString('en');
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;

/** SIZES.md. */
export function sizesReport(ours: readonly Size[], peers: readonly Size[], date: string): string {
  const row = ({ what, minified, gzip, brotli, later }: Size) =>
    `| ${what} | ${[minified, gzip, brotli].map(bytesOf).join(' | ')} | ${later > 0 ? bytesOf(later) : ''} |`;
  const core = ours[0]!;
  const installed = [{ ...core, what: 'zocalo-client' }, ...peers].map(
    ({ what, packages, bytes }) => `| ${what} | ${packages} | ${megabytes(bytes)} |`,
  );
  return `# What a page loads for a client

Made by \`npm run bench:sizes\` on ${date}: each package is installed from npm (ours from its tarball's contents), and
bundled by esbuild, minified. Sizes are in bytes. "Later" is loaded when a page first needs it, gzipped; for
zocalo-client that is the code for patterns, members and late readers. React, Vue and Svelte themselves are not counted.

| | minified | gzip | brotli | later |
| --- | ---: | ---: | ---: | ---: |
${ours.map(row).join('\n')}
${peers.map(row).join('\n')}

What each can do differs, so that a size alone does not say which one fits.

What \`npm install\` brings:

| | packages | unpacked |
| --- | ---: | ---: |
${installed.join('\n')}
`;
}
