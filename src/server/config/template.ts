import { stringify } from 'yaml';
import { allKeys, type Key, keysBelow } from './keys.ts';
import { isContainer } from './path.ts';
import type { ConfigInput } from './schema.ts';

export type FileForm = 'yaml' | 'json' | 'ts';

const WIDTH = 100;

/** A file with every key and its meaning (in JSON: only the values). Keys that `values` lack are commented out. */
export function template(form: FileForm, values: ConfigInput): string {
  if (form === 'json') return `${JSON.stringify(values, null, 2)}\n`;
  const writer = new Writer(form);
  if (form === 'yaml') {
    const lines = writer.keys([], values, '');
    return [
      ...prose('The configuration of zocalo serve. What is commented out shows the default.', '# '),
      ...lines,
      '',
    ].join('\n');
  }
  const lines = writer.keys([], values, '  ');
  const start = ["import type { ConfigInput } from 'zocalo';", '', 'export default {'];
  return [...start, ...lines.slice(1), '} satisfies ConfigInput;', ''].join('\n');
}

class Writer {
  readonly #isYaml: boolean;
  readonly #mark: string;
  readonly #all = allKeys();

  constructor(form: 'yaml' | 'ts') {
    this.#isYaml = form === 'yaml';
    this.#mark = form === 'yaml' ? '# ' : '// ';
  }

  /** The keys below a path; all commented out when `values` is undefined. */
  keys(path: readonly string[], values: unknown, pad: string): string[] {
    return keysBelow(path, this.#all, values).flatMap((key) => {
      const name = key.path.at(-1)!;
      const value = isContainer(values) ? (values as Record<string, unknown>)[name] : undefined;
      const isOff = values === undefined || (value === undefined && !(key.isGroup && isContainer(key.default)));
      const before = path.length === 0 ? [''] : [];
      const lines = key.isGroup ? this.#group(key, value, isOff, pad) : [this.#leaf(key, value, isOff, pad)];
      return [...before, ...prose(key.describe, pad + this.#mark), ...lines];
    });
  }

  #leaf(key: Key, value: unknown, isOff: boolean, pad: string): string {
    const shown = value ?? key.default;
    const name = key.path.at(-1)!;
    const start = isOff ? pad + this.#mark : pad;
    if (shown === undefined) return `${start}${name}: ${this.#isYaml ? '# ' : 'undefined, // '}${key.allowed}`;
    return `${start}${name}: ${this.#value(shown)}`;
  }

  #value(value: unknown): string {
    return this.#isYaml
      ? stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
      : `${JSON.stringify(value)},`;
  }

  #group({ path, default: standard }: Key, value: unknown, isOff: boolean, pad: string): string[] {
    const inner = `${pad}  `;
    const names = keysBelow([...path, '*'], this.#all).length > 0 ? Object.entries(value ?? {}) : undefined;
    // Without a name of the user's, the key is a comment: so a block of the documentation can be added with it.
    const start = isOff || names?.length === 0 ? pad + this.#mark : pad;
    const line = (text: string, isComment: boolean) => inner + (isComment ? this.#mark : '') + text;
    const name = path.at(-1)!;
    if (keysBelow([...path, '[]'], this.#all).length > 0) {
      const items = Array.isArray(value) && value.length > 0 ? value : [undefined];
      const lines = items.flatMap((item) => {
        const own = this.keys([...path, '[]'], item, `${inner}  `);
        return this.#isYaml ? dashed(own, inner) : [line('{', !item), ...own, line('},', !item)];
      });
      return this.#isYaml ? [`${start}${name}:`, ...lines] : [`${start}${name}: [`, ...lines, `${start}],`];
    }
    const lines = names
      ? names.flatMap(([own, item]) => {
          const below = this.keys([...path, '*'], item, `${inner}  `);
          return this.#isYaml
            ? [line(`${this.#value(own)}:`, false), ...below]
            : [line(`${JSON.stringify(own)}: {`, false), ...below, line('},', false)];
        })
      : this.keys(path, isOff ? undefined : (value ?? standard), inner);
    return this.#isYaml ? [`${start}${name}:`, ...lines] : [`${start}${name}: {`, ...lines, `${start}},`];
  }
}

/** Puts the dash before the first key of a YAML item, even if that is commented out. */
function dashed(lines: string[], pad: string): string[] {
  const first = lines.findIndex((line) => /^\s*(# )?\w+:/.test(line));
  return lines.map((line, index) => {
    if (index !== first) return line;
    const [, mark = '', rest] = /^\s*(# )?(.*)$/.exec(line)!;
    return `${pad}${mark}- ${rest}`;
  });
}

/** Wraps a sentence into lines of comments. */
function prose(text: string, start: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(start + word);
  }
  return lines;
}
