#!/usr/bin/env node
// For `node src/cli.ts` with a Node that strips types; the command `zocalo` starts at zocalo.mjs. Signal handlers are
// installed before the program is loaded, which takes longer than Node's own start.
import './cli/early-signals.ts';

await import('./cli/main.ts');
