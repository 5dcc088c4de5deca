import { z } from 'zod';
import { durationOf, isHttpAddress, text } from '../value-types/index.ts';

/** Schemes and hosts are the same in capitals. */
const inLowerCase = (text: string) => text.toLowerCase();

const address = text(isHttpAddress, 'an address like http://localhost:9000 or https://0.0.0.0').transform(inLowerCase);

export const listen = z
  .union([address, z.array(address).min(1, { error: 'must name one address at least' })])
  .default('http://localhost:9000')
  .describe('Where pages, API and WebSockets are served: http://host:port, or https:// with tls.');

export const ping = durationOf({ least: '1s' })
  .prefault('25s')
  .describe('Time between signs of life; under the 30 to 60 seconds after which proxies cut a silent line.');
