/** The path of a value in the configuration: `['api', 'keys', 0, 'name']`, written `api.keys[0].name`. */
export type Path = readonly (string | number)[];

const WORD = /^[A-Za-z_]\w*$/;

export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!WORD.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** The reverse, for `--set`: `channels["chat:*"].history.size`. Undefined when it is not a path. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  const part = /(?:^|\.)([A-Za-z_]\w*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (part.lastIndex < text.length) {
    const [, word, index, quoted] = part.exec(text) ?? [];
    if (word !== undefined) path.push(word);
    else if (index !== undefined) path.push(Number(index));
    else if (quoted === undefined) return undefined;
    else path.push(JSON.parse(quoted));
  }
  return path.length > 0 ? path : undefined;
}

/** The value at a path, if there is one. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) found = isContainer(found) ? (found as Record<string | number, unknown>)[part] : undefined;
  return found;
}

/** A map or a list, not a plain value. */
export function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Wraps a value in maps, so that it is at the path. A number becomes a name: lists cannot be built piece by piece. */
export function nested(path: Path, value: unknown): unknown {
  return path.reduceRight((inner, part) => ({ [part]: inner }), value);
}
