/** Devices that send lines, with the defaults except for their number: `PORT=9000 node bench/servers/devices.ts`. */
import { Hub, memory } from '../../src/index.ts';
import { DeviceSource } from '../../src/sources/index.ts';

const { PORT = '9000' } = process.env;

const hub = new Hub({ broker: memory() });
await hub.open();
const source = new DeviceSource(
  {
    listen: `tcp://127.0.0.1:${PORT}`,
    frame: { kind: 'lines' },
    decode: { kind: 'expression', pattern: '^(?<id>\\w+) (?<value>\\d+)$' },
    device: '{id}',
    reply: 'ok\n',
    channel: 'reading:{device}',
    connections: 100_000,
    silence: 0,
  },
  { publish: (channel, data, { key }) => hub.publish(channel, data, { key }) },
);
await source.open();
console.log('ready');
