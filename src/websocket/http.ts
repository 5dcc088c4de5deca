/**
 * Node's HTTP, not imported as a module: an `import` of node:http reads all that it exports, its WebSocket client among
 * it, and that loads the whole of fetch: measured, 8 MB of an idle process.
 */
export const { createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
