import { z } from 'zod';
import { withHostAndPort } from '../value-types/index.ts';
import { crossCheck } from './cross-checks.ts';
import { type Environment, readEnvironment, readSettings } from './environment.ts';
import { explain, type Problem } from './explain.ts';
import { findFile, readConfigFile } from './file.ts';
import { type Layer, merge, says } from './layer.ts';
import { formatPath, type Path, valueAt } from './path.ts';
import { ConfigError } from './problem.ts';
import { type Config, configSchema } from './schema.ts';

/** The options of the command line. */
export interface ConfigFlags {
  /** `key=value`, any number of times. */
  readonly set?: readonly string[] | undefined;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly store?: string | undefined;
}

export interface LoadOptions {
  /** The file to read; without one, `FILE_NAMES` are looked for in `cwd`. */
  readonly file?: string | undefined;
  readonly flags?: ConfigFlags;
  readonly env?: Environment;
  readonly cwd?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, as it was named; undefined when there is none. */
  readonly file: string | undefined;
  /** What is valid, but most likely a mistake; sentences for the log. */
  readonly warnings: readonly string[];
  /** The values that were written, without the defaults. */
  readonly values: unknown;
  /** Where the value at a path was written, `zocalo.yaml:3`; undefined for a default. */
  origin(path: Path): string | undefined;
}

/**
 * Merges, each overriding the one before: the defaults, the file, `ZOCALO_…` (and `PORT`) of the environment, the
 * flags.
 * @throws ConfigError with everything that is wrong, and where.
 */
export async function loadConfig({
  flags = {},
  env = process.env,
  cwd = process.cwd(),
  file = env.ZOCALO_CONFIG || findFile(cwd),
}: LoadOptions = {}): Promise<LoadedConfig> {
  const mistakes: string[] = [];
  const layers: Layer[] = file === undefined ? [] : [await readConfigFile(file, cwd)];
  layers.push(...readEnvironment(env, mistakes));
  layers.push(...listenLayers({ port: environmentPort(env, mistakes) }, 'PORT of the environment', layers, mistakes));
  layers.push(...readSettings(flags.set ?? [], mistakes));
  const flag = flags.port === undefined ? '--host' : '--port';
  layers.push(...listenLayers(flags, flag, layers, mistakes));
  if (flags.store !== undefined) layers.push({ values: { store: flags.store }, origin: () => '--store' });

  const values = mergeAll(layers);
  const parsed = configSchema.safeParse(values);
  const origin = (path: Path) => layers.findLast((layer) => says(layer, path))?.origin(path);
  const where = ({ path, sentence }: Problem) => {
    for (let length = path.length; length > 0; length--) {
      const place = origin(path.slice(0, length));
      // The line of the key itself; for a missing key, the line of the map around it.
      if (place) return `${place}: ${formatPath(path)} ${sentence}`;
    }
    return `${formatPath(path)} ${sentence}`;
  };
  if (!parsed.success)
    throw new ConfigError([...mistakes, ...explain(parsed.error.issues, values).map(where).toSorted(byLine)]);
  const { problems, warnings } = crossCheck(parsed.data, (path) => origin(path) !== undefined);
  mistakes.push(...problems.map(where));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { config: parsed.data, file, warnings: warnings.map(where), values, origin };
}

function mergeAll(layers: readonly Layer[]): unknown {
  return layers.reduce((merged: unknown, layer) => merge(merged, layer.values), {});
}

const byLine = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

/** An empty `PORT=` means unset, as in many .env files. */
function environmentPort({ PORT }: Environment, mistakes: string[]): number | undefined {
  if (PORT === undefined || PORT === '') return undefined;
  if (/^\d+$/.test(PORT) && Number(PORT) <= 65_535) return Number(PORT);
  mistakes.push(`PORT of the environment must be a port, a number from 0 to 65535, not ${JSON.stringify(PORT)}`);
  return undefined;
}

/** Replaces the host or the port of the one address that the layers below name. */
function listenLayers(
  { host, port }: { host?: string | undefined; port?: number | undefined },
  origin: string,
  below: readonly Layer[],
  mistakes: string[],
): Layer[] {
  if (host === undefined && port === undefined) return [];
  const said = valueAt(mergeAll(below), ['listen']);
  const listen = z.safeParse(configSchema.shape.listen, said);
  if (!listen.success) return []; // reported elsewhere
  const addresses = [listen.data].flat();
  if (addresses.length === 1) {
    const address = withHostAndPort(addresses[0]!, { host, port });
    return [{ values: { listen: address }, origin: () => origin }];
  }
  mistakes.push(`${origin} fits one address, and listen has ${addresses.length}; change them in listen itself`);
  return [];
}
