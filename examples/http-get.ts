/**
 * HTTP by hand: the request is two lines of text, and the answer is lines too.
 *
 *   node examples/http-get.ts http://example.org/
 */
import { connect } from 'zocalo/stream';

const { protocol, hostname, port, host, pathname, search } = new URL(process.argv[2] ?? 'http://example.org/');
const address = protocol === 'https:' ? `tls://${hostname}:${port || 443}` : `tcp://${hostname}:${port || 80}`;

const socket = await connect(address);
socket.write(`GET ${pathname}${search} HTTP/1.0\r\nHost: ${host}\r\n\r\n`);

for await (const line of socket.lines()) {
  if (line === '') break; // the empty line ends the headers
  console.error(line);
}
process.stdout.write(await socket.text()); // continues after the last line
socket.end();
