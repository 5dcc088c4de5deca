import { ZocaloError } from '../errors.ts';

/** One word's part: 'single quotes', "double quotes", an escaped character, or what has none of these. */
const PART = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
/** Characters that only a shell understands; `~` and `#` only at the beginning of a word. */
const SHELL = /[|&;<>()$`*?[\]{}]|^[~#]/;

/**
 * A command as words, which are started as they are, never through a shell. A text is split at blanks; '…', "…" and
 * \ quote as in a shell.
 * @throws ZocaloError BAD_OPTION for what only a shell knows (variables, patterns, pipes, redirections), a quote
 *   without its end, and no words at all.
 *
 * @example commandOf("tail -F '/var/log/my site.log'") // ['tail', '-F', '/var/log/my site.log']
 */
export function commandOf(command: string | readonly string[]): readonly string[] {
  const words = typeof command === 'string' ? split(command) : command;
  if (words.length === 0 || words[0] === '') throw bad(command, 'names no program', 'give a program and its arguments');
  if (words.some((word) => word.includes('\0'))) throw bad(command, 'has a NUL character', 'leave it out');
  return words;
}

function split(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at]!)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
      continue;
    }
    PART.lastIndex = at;
    const [part, single, double, escaped, bare] = PART.exec(text) ?? [];
    if (part === undefined) throw bad(text, 'has a quote without its end', 'close it, or give a list of words');
    const special = SHELL.exec(bare ?? '')?.[0] ?? /(?<!\\)(?:\\\\)*([$`])/.exec(double ?? '')?.[1];
    if (special !== undefined)
      throw bad(
        text,
        `has ${special}, which only a shell knows`,
        `put it in single quotes if it is meant as it stands; if it needs a shell, say so: ['sh', '-c', '…']`,
      );
    word = `${word ?? ''}${single ?? double?.replace(/\\([$`"\\])/g, '$1') ?? escaped ?? bare}`;
    at += part.length;
  }
  if (word !== undefined) words.push(word);
  return words;
}

function bad(command: string | readonly string[], what: string, advice: string): ZocaloError {
  return new ZocaloError('BAD_OPTION', `the command ${JSON.stringify(command)} ${what}`, { advice });
}
