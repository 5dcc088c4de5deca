#!/usr/bin/env node
// For `node src/cli.ts`, with a Node that strips types; the command `zocalo` comes by zocalo.mjs. Signals are heard
// before the program is read, which takes longer than Node's own start.
import './cli/early-signals.ts';

await import('./cli/main.ts');
