export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'sign';
  readonly text: string;
  /** Its start, in UTF-16 units. */
  readonly at: number;
}

const SPACE = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const WORD = /[#@]?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy;
const NUMBER = /\d[\w.]*/y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
const SIGN =
  />>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|\*\*|<<|>>|[\s\S]/y;

/** A slash after one of these words begins a regular expression. */
const BEFORE_VALUE = /^(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do)$/;

/** The tokens of JavaScript. A whole template literal is one token. Enough to find operators; it is not a parser. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = take(SPACE);
    if (space) {
      at += space.length;
      continue;
    }
    const token = next();
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;

  function next(): Token {
    const word = take(WORD);
    if (word) return { kind: 'word', text: word, at };
    const number = take(NUMBER);
    if (number) return { kind: 'number', text: number, at };
    const string = text[at] === '`' ? text.slice(at, endOfTemplate(text, at)) : take(STRING);
    if (string) return { kind: 'text', text: string, at };
    const regex = text[at] === '/' && isValueNext(tokens.at(-1)) ? take(REGEX) : undefined;
    if (regex) return { kind: 'text', text: regex, at };
    return { kind: 'sign', text: take(SIGN)!, at };
  }
}

function isValueNext(last: Token | undefined): boolean {
  if (last === undefined) return true;
  if (last.kind === 'word') return BEFORE_VALUE.test(last.text);
  return last.kind === 'sign' && last.text !== ')' && last.text !== ']' && last.text !== '}';
}

function endOfTemplate(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`') return at + 1;
    else if (text.startsWith('${', at)) at = endOfHole(text, at + 2);
  }
  return text.length;
}

/** The position of the brace that closes a `${`. */
function endOfHole(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '`') at = endOfTemplate(text, at) - 1;
    else if (text[at] === '{') depth++;
    else if (text[at] === '}' && depth-- === 0) return at;
    else {
      STRING.lastIndex = at;
      const string = STRING.exec(text)?.[0];
      if (string) at += string.length - 1;
    }
  }
  return text.length;
}
