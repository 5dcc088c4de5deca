import { ZocaloError } from './errors.ts';

/**
 * Loads an optional package on its first use. `use`: what needs it, for the message.
 *
 * @throws ZocaloError DRIVER_MISSING.
 */
export async function loadDriver(name: string, use: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new ZocaloError('DRIVER_MISSING', `${use} needs the package ${name.split('/')[0]}, which is not installed`, {
      advice: `run: npm install ${name.split('/')[0]}`,
      cause,
    });
  }
}
