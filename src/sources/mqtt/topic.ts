import { ZocaloError } from '../../errors.ts';

/** A level of a topic that stands for any: `+`, or with a name `{device}`. */
const NAMED = /^\{(\w+)\}$/;

/** A topic filter whose levels may have names: `sensors/{device}/+`, `home/#`. */
export class TopicPattern {
  /** As the broker knows it: `sensors/+/+`. */
  readonly filter: string;
  /** By level; undefined for one without a name. */
  readonly #names: readonly (string | undefined)[];

  /** @throws ZocaloError BAD_OPTION. */
  constructor(pattern: string) {
    const levels = pattern.split('/');
    this.#names = levels.map((level) => NAMED.exec(level)?.[1]);
    this.filter = levels.map((level) => level.replace(NAMED, '+')).join('/');
    const isValid = levels.every((level, index) => {
      if (level === '+' || NAMED.test(level)) return true;
      return level === '#' ? index === levels.length - 1 : !/[+#{}\0]/.test(level);
    });
    if (!isValid || pattern === '')
      throw new ZocaloError('BAD_OPTION', `the topic ${JSON.stringify(pattern)} cannot be subscribed to`, {
        advice: 'write levels as text, + or {name}, and # only as the last, for example sensors/{device}/#',
      });
  }

  get names(): readonly string[] {
    return this.#names.filter((name) => name !== undefined);
  }

  /** The named levels of a topic that matches. */
  fieldsOf(topic: string): Readonly<Record<string, string>> {
    const levels = topic.split('/');
    const named = this.#names.map((name, index) => [name, levels[index] ?? ''] as const);
    return Object.fromEntries(named.filter(([name]) => name !== undefined));
  }
}
