#!/usr/bin/env node
// For `node src/cli.ts`, with a Node that strips types; the command `zocalo` comes by zocalo.mjs.
import './cli/main.ts';
