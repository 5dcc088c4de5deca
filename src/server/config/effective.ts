import { Document, isScalar, type Scalar, visit } from 'yaml';
import { allKeys, isHidden, type Key, keysBelow } from './keys.ts';
import type { LoadedConfig } from './load.ts';
import { isContainer, type Path } from './path.ts';

/** A channel that is offered although no line of the configuration names it. */
export interface Implied {
  readonly name: string;
  readonly options: object;
  /** Becomes a comment. */
  readonly reason: string;
}

/**
 * The effective configuration as YAML: with the defaults and the implied channels, without secrets, and with a comment
 * that says where each value was written.
 */
export function effectiveConfig(
  { values, origin }: Pick<LoadedConfig, 'values' | 'origin'>,
  implied: readonly Implied[] = [],
): string {
  const document = new Document(withDefaults([], values, allKeys()));
  for (const { name, options, reason } of implied) {
    const node = document.createNode(withDefaults(['channels', '*'], options, allKeys()));
    node.commentBefore = ` ${reason}`;
    document.setIn(['channels', name], node);
  }
  const walk = (node: unknown, path: Path): void => {
    visit(node as Scalar, {
      Pair: (_, { key, value }) => {
        walkChild(value, [...path, String(isScalar(key) ? key.value : key)]);
        return visit.SKIP;
      },
      Seq: (_, seq) => {
        for (const [index, item] of seq.items.entries()) walkChild(item, [...path, index]);
        return visit.SKIP;
      },
    });
  };
  const walkChild = (node: unknown, path: Path): void => {
    if (!isScalar(node)) {
      walk(node, path);
      return;
    }
    if (isHidden(path)) node.value = '(hidden)';
    const place = origin(path);
    if (place) node.comment = ` ${place}`;
  };
  walk(document.contents, []);
  return document.toString({ lineWidth: 0 });
}

function withDefaults(path: readonly string[], value: unknown, keys: readonly Key[]): unknown {
  const below = (part: string) => keysBelow([...path, part], keys).length > 0;
  if (Array.isArray(value)) return below('[]') ? value.map((item) => withDefaults([...path, '[]'], item, keys)) : value;
  if (!isContainer(value)) return value;
  if (below('*'))
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, withDefaults([...path, '*'], item, keys)]),
    );
  const known = keysBelow(path, keys, value).map((key) => {
    const name = key.path.at(-1)!;
    return [name, withDefaults(key.path, (value as Record<string, unknown>)[name] ?? key.default, keys)] as const;
  });
  return Object.fromEntries(known.filter(([, item]) => item !== undefined));
}
