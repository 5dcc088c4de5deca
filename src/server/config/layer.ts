import { isContainer, type Path } from './path.ts';

/** One source of values; later layers override earlier ones. */
export interface Layer {
  readonly values: unknown;
  /** Where the value at a path was written: `zocalo.yaml:3`, `ZOCALO_PING`, `--set`. */
  origin(path: Path): string;
}

/** Whether a layer has a value at this path. */
export function says({ values }: Layer, path: Path): boolean {
  let found = values;
  for (const part of path) {
    if (!isContainer(found) || !Object.hasOwn(found, part)) return false;
    found = (found as Record<string | number, unknown>)[part];
  }
  return found !== undefined && found !== null;
}

/** Maps are merged key by key; a list or a plain value replaces the earlier one. An empty value changes nothing. */
export function merge(earlier: unknown, later: unknown): unknown {
  if (later === undefined || later === null) return earlier;
  if (Array.isArray(later)) return later.map((item) => merge(undefined, item));
  if (!isContainer(later)) return later;
  const merged = new Map(isContainer(earlier) && !Array.isArray(earlier) ? Object.entries(earlier) : []);
  for (const [name, value] of Object.entries(later)) merged.set(name, merge(merged.get(name), value));
  for (const [name, value] of merged) if (value === undefined) merged.delete(name);
  return Object.fromEntries(merged);
}
