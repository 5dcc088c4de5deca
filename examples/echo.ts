/**
 * Sends every byte back to who sent it, to many at a time. Try `nc localhost 1337`, or from a second window:
 *
 *   node src/cli.ts connect tcp://localhost:1337
 *
 * Another address may be given: node examples/echo.ts unix:///tmp/echo.sock
 */
import { listen } from 'zocalo/stream';

const server = await listen(process.argv[2] ?? 'tcp://localhost:1337');
console.log(`echo on ${server.addresses.join(' and ')}`);
process.once('SIGINT', () => server.close({ grace: 1000 }));

for await (const socket of server) socket.pipe(socket);
