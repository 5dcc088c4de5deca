import { parse } from 'yaml';
import { z } from 'zod';
import { nearest } from '../nearest.ts';
import { allKeys, schemaAt, unwrap } from './keys.ts';
import type { Layer } from './layer.ts';
import { formatPath, nested, type Path, parsePath } from './path.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are none of the configuration's: the commands read them. */
const OTHERS = ['ZOCALO_CONFIG', 'ZOCALO_API_KEY', 'ZOCALO_TOKEN'];

/** `limits.maxMessage` is `ZOCALO_LIMITS_MAX_MESSAGE`. What is in a list or a map of names has no variable of its own. */
export function variables(): Map<string, Path> {
  const simple = allKeys().filter(({ path }) => !path.some((part) => part === '[]' || part === '*'));
  return new Map(simple.map(({ path }) => [`ZOCALO_${path.map(screaming).join('_')}`, path]));
}

function screaming(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** One layer for each `ZOCALO_…` that is set to anything; variables that do not exist are added to `problems`. */
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
  return `${name} of the environment is nothing that Zócalo knows; ${meant ? `did you mean ${meant}?` : 'unset it'}`;
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

/** Unchanged where only a text is valid; anything else is parsed as YAML: `true`, `5`, `[a, b]`, `{c: d}`. */
function valueLayer(path: Path, text: string, origin: string): Layer {
  const schema = schemaAt(path);
  const inner = schema && unwrap(schema);
  let value: unknown = text;
  if (!(inner instanceof z.ZodString || inner instanceof z.ZodURL)) {
    try {
      value = parse(text) ?? text;
    } catch {} // `*`, say: a text after all
  }
  return { values: nested(path, value), origin: () => origin };
}
