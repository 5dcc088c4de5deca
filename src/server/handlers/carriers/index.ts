import type { Clock } from '../../../clock.ts';
import { commandOf } from '../../../programs/index.ts';
import type { HandlerConfig } from '../../config/index.ts';
import { fastcgiAddress } from '../fastcgi-address.ts';
import { Calls } from './calls.ts';
import type { Carrier } from './carrier.ts';
import { overFastcgi } from './fastcgi/fastcgi.ts';
import { overHttp } from './http/http.ts';
import { Pool, type PoolOptions } from './workers/pool.ts';

export { Calls } from './calls.ts';
export type { Carrier } from './carrier.ts';
export { Pool } from './workers/pool.ts';
export { partsOf } from './workers/worker-line.ts';

export interface CarrierParts extends Pick<PoolOptions, 'log' | 'onCommand'> {
  /** Of the handler, for the log. */
  readonly name: string;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Gets what the application wrote to its error log. */
  readonly onStderr: (text: string) => void;
}

/** The carrier that a handler's configuration asks for. */
export function carrierOf(config: HandlerConfig, parts: CarrierParts): Carrier {
  const { url = '', run, headers, secret } = config;
  if (run !== undefined) return new Pool({ ...config, ...parts, command: commandOf(run) });
  const address = fastcgiAddress(url);
  const post = address
    ? overFastcgi({ address, headers, onStderr: parts.onStderr })
    : overHttp({ url, headers, secret, now: parts.now });
  return new Calls(post, { ...config, ...parts });
}
