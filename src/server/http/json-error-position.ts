/** A JSON token: a string, a number, a word, or a punctuation mark. */
const TOKEN =
  /[ \t\n\r]*(?:("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w))|([[\]{},:]))/y;
const BLANKS = /[ \t\n\r]*/y;

/** Where a text stops being JSON: the line and column, from 1, of the first token that is not allowed there. */
export function jsonFault(text: string): { line: number; column: number } {
  const before = text.slice(0, faultyOffset(text));
  const lines = before.split('\n');
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}

/** V8's own error tells the position only sometimes, and its wording changes. */
function faultyOffset(text: string): number {
  const open: ('[' | '{')[] = [];
  // What may come next: a value, a member's name, its colon, or what follows a value. `first`: a closing mark, too.
  let expected: 'value' | 'name' | 'colon' | 'next' = 'value';
  let first = false;
  for (let at = 0; ; at = TOKEN.lastIndex) {
    BLANKS.lastIndex = at;
    BLANKS.test(text);
    const start = BLANKS.lastIndex;
    TOKEN.lastIndex = at;
    const [, literal, mark] = TOKEN.exec(text) ?? [];
    const isEnd = (mark === ']' && open.at(-1) === '[') || (mark === '}' && open.at(-1) === '{');
    if (isEnd && (expected === 'next' || first)) {
      open.pop();
      expected = 'next';
      first = false;
    } else if (expected === 'value' && literal !== undefined) {
      expected = 'next';
      first = false;
    } else if (expected === 'value' && (mark === '[' || mark === '{')) {
      open.push(mark);
      expected = mark === '[' ? 'value' : 'name';
      first = true;
    } else if (expected === 'name' && literal?.startsWith('"')) {
      expected = 'colon';
      first = false;
    } else if (expected === 'colon' && mark === ':') expected = 'value';
    else if (expected === 'next' && mark === ',' && open.length > 0) expected = open.at(-1) === '[' ? 'value' : 'name';
    else return start;
  }
}
