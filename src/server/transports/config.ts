import { z } from 'zod';
import { channelOrPattern, durationOf, isHttpAddress, isLineAddress, text } from '../value-types/index.ts';

/** Schemes and hosts are the same in capitals. */
const inLowerCase = (text: string) => text.toLowerCase();

const address = text(isHttpAddress, 'an address like http://localhost:9000 or https://0.0.0.0').transform(inLowerCase);

const lineAddress = text(isLineAddress, 'an address like tcp://127.0.0.1:1337').transform(inLowerCase);

export const listen = z
  .union([address, z.array(address).min(1, { error: 'must name one address at least' })])
  .default('http://localhost:9000')
  .describe('Where pages, API and WebSockets are served: http://host:port, or https:// with tls.');

export const lines = z
  .strictObject({
    listen: lineAddress.describe('Where to listen, as tcp://host:port.'),
    channel: channelOrPattern.describe('The one channel that the lines are for.'),
  })
  .optional()
  .describe(
    'Raw TCP for nc and devices: each line that comes is published to the channel, and its publications come as lines.',
  );

export const ping = durationOf({ least: '1s' })
  .prefault('25s')
  .describe('Time between signs of life; under the 30 to 60 seconds after which proxies cut a silent line.');
