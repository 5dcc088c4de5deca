import { parse } from 'yaml';
import { z } from 'zod';
import { nearest } from '../../nearest.ts';
import { allKeys, schemaAt } from './keys.ts';
import type { Layer } from './layer.ts';
import { formatPath, nested, type Path, parsePath } from './path.ts';
import { unwrap } from './unwrap.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that do not belong to the configuration: the commands read them, or programs that Zócalo starts. */
const OTHERS = ['ZOCALO_CONFIG', 'ZOCALO_API_KEY', 'ZOCALO_TOKEN', 'ZOCALO_CHANNEL', 'ZOCALO_CHANNEL_SECRET'];

/** `limits.maxMessage` is `ZOCALO_LIMITS_MAX_MESSAGE`. Keys within a list or a map of names have no variable. */
export function variables(): Map<string, Path> {
  const simple = allKeys().filter(({ path }) => !path.some((part) => part === '[]' || part === '*'));
  return new Map(simple.map(({ path }) => [`ZOCALO_${path.map(screaming).join('_')}`, path]));
}

function screaming(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** One layer for each `ZOCALO_…` that is not empty; unknown variables are added to `problems`. */
export function readEnvironment(env: Environment, problems: string[]): Layer[] {
  const known = variables();
  const layers: Layer[] = [];
  for (const [name, text] of Object.entries(env).toSorted()) {
    if (!name.startsWith('ZOCALO_') || OTHERS.includes(name) || text === undefined || text === '') continue;
    const path = known.get(name);
    if (path) layers.push(valueLayer(path, text, `${name} of the environment`));
    else problems.push(unknownVariable(name, [...known.keys(), ...OTHERS]));
  }
  return layers;
}

function unknownVariable(name: string, known: string[]): string {
  const meant = nearest(name, known);
  return `${name} of the environment is unknown to Zócalo; ${meant ? `did you mean ${meant}?` : 'unset it'}`;
}

/** One `--set key=value` each. */
export function readSettings(settings: readonly string[], problems: string[]): Layer[] {
  return settings.flatMap((setting) => {
    const [, key = '', text = ''] = /^([^=]*[^=\s])\s*=(.*)$/s.exec(setting) ?? [];
    const path = parsePath(key);
    if (path) return [valueLayer(path, text, `--set ${formatPath(path)}`)];
    problems.push(`--set ${key || setting}: write it as --set key=value, like --set limits.queue=2MiB`);
    return [];
  });
}

/** Takes the text unchanged where only a text is valid; otherwise parses it as YAML: `true`, `5`, `[a, b]`, `{c: d}`. */
function valueLayer(path: Path, text: string, origin: string): Layer {
  const schema = schemaAt(path);
  const inner = schema && unwrap(schema);
  let value: unknown = text;
  if (!(inner instanceof z.ZodString || inner instanceof z.ZodURL)) {
    try {
      value = parse(text) ?? text;
    } catch {} // for example `*`, which is a text after all
  }
  return { values: nested(path, value), origin: () => origin };
}
