/**
 * Parts of Node that cost memory, loaded by whoever first calls. An `import` of node:http reads all that it exports, its
 * WebSocket client among it, and that loads the whole of fetch; TLS is needed by few.
 */

export const nodeHttp = () => process.getBuiltinModule('node:http');
export const nodeHttps = () => process.getBuiltinModule('node:https');
export const nodeTls = () => process.getBuiltinModule('node:tls');

/** Until Node 24 it says on standard error that it is experimental, which would help no user of ours. */
export function nodeSqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
