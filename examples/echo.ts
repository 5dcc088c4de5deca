/**
 * Sends every byte back, to many clients at a time. Try `nc localhost 1337`, or from a second terminal:
 *
 *   node src/cli.ts connect tcp://localhost:1337
 *
 * With another address: node examples/echo.ts unix:///tmp/echo.sock
 */
import { listen } from 'zocalo/stream';

const server = await listen(process.argv[2] ?? 'tcp://localhost:1337');
console.log(`echo on ${server.addresses.join(' and ')}`);
process.once('SIGINT', () => server.close({ grace: 1000 }));

for await (const socket of server) socket.pipe(socket);
