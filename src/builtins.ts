/**
 * Parts of Node that cost memory, loaded at the first call. An `import` of node:http evaluates all its exports,
 * including a WebSocket client that loads all of fetch; TLS is rarely needed.
 */

export const nodeHttp = () => process.getBuiltinModule('node:http');
export const nodeHttps = () => process.getBuiltinModule('node:https');
export const nodeTls = () => process.getBuiltinModule('node:tls');
export const nodeNet = () => process.getBuiltinModule('node:net');
export const nodeChildProcess = () => process.getBuiltinModule('node:child_process');

/** Until Node 24 it prints to standard error that it is experimental, which would not help our users. */
export function nodeSqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
