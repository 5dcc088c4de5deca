import { ZocaloError } from '../errors.ts';
import { listen } from '../stream/index.ts';

/** php-fpm uses the first one on many machines. */
const PORTS = Array.from({ length: 10 }, (_, index) => 9_000 + index);

/**
 * The first of this machine's ports from 9000 to 9009 that is free, as `http://localhost:9000`; the first of all if none
 * is. `take` tries one, and rejects with ADDRESS_IN_USE.
 */
export async function freeAddress(take: (port: number) => Promise<void> = takeAndRelease): Promise<string> {
  for (const port of PORTS) {
    try {
      await take(port);
      return addressOn(port);
    } catch (error) {
      if (!(error instanceof ZocaloError && error.code === 'ADDRESS_IN_USE')) break; // listening will report why
    }
  }
  return addressOn(PORTS[0]!);
}

function addressOn(port: number): string {
  return `http://localhost:${port}`;
}

async function takeAndRelease(port: number): Promise<void> {
  const server = await listen(`tcp://localhost:${port}`);
  await server.close();
}
