// Has the connection: one for all tabs as a SharedWorker, one for its tab as a Worker.
import { Client } from 'http://localhost:9000/zocalo.js';

const client = new Client('ws://localhost:9000');
const EVENTS = ['message', 'gap', 'presence', 'state'];
const told = ({ code, message }) => ({ code, message }); // the code of an error is not copied to the page otherwise

function serve(port) {
  port.onmessage = ({ data: { channel, options, lock } }) => {
    const chat = client.subscribe(channel, options);
    for (const event of EVENTS) chat.on(event, (value) => port.postMessage({ event, value }));
    chat.on('error', (error) => port.postMessage({ event: 'error', value: told(error) }));
    port.onmessage = ({ data: { id, data } }) =>
      chat.publish(data).then(
        (position) => port.postMessage({ id, position }),
        (error) => port.postMessage({ id, error: told(error) }),
      );
    // The tab has it as long as it lives.
    navigator.locks.request(lock, () => chat.unsubscribe());
  };
}

if ('SharedWorkerGlobalScope' in self) self.onconnect = ({ ports: [port] }) => serve(port);
else serve(self);
