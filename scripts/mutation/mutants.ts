import { stripTypeScriptTypes } from 'node:module';
import { type Token, tokensOf } from './tokens.ts';

export interface Mutant {
  readonly kind: string;
  /** The line of the first changed character, from 1. */
  readonly line: number;
  readonly original: string;
  readonly mutated: string;
  /** The whole changed file, without types. */
  readonly text: string;
}

interface Change {
  kind: string;
  from: number;
  to: number;
  with: string;
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
};
const CONNECTIVES: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' };
const SUMS: Readonly<Record<string, string>> = { '+': '-', '-': '+', '+=': '-=', '-=': '+=', '*': '/', '/': '*' };
const LITERALS: Readonly<Record<string, string>> = { true: 'false', false: 'true' };
/** A table of names: only its keys count, and the compiler asks for `true`. */
const NAMES = /: OptionNames<[^=]+> = \{[^}]*\}/g;
/** No expression statement begins with one of these. */
const DECLARING =
  /^(?:const|let|var|return|if|else|for|while|do|switch|case|default|throw|try|catch|finally|import|export|class|function|async|static|get|set|using)$/;

/**
 * Every mutant of a TypeScript file: each changes one operator, bound, literal, condition, branch or statement. Types,
 * comments and texts are not changed, and changes that do not parse are left out.
 */
export function mutantsOf(source: string): Mutant[] {
  // Types become spaces, so that positions stay the same.
  const code = stripTypeScriptTypes(source);
  const mutants: Mutant[] = [];
  const tables = [...source.matchAll(NAMES)].map(({ index, 0: { length } }) => [index, index + length] as const);
  for (const change of changesOf(code)) {
    if (change.kind === 'literal' && tables.some(([from, to]) => from < change.from && change.from < to)) continue;
    const text = code.slice(0, change.from) + change.with + code.slice(change.to);
    if (!parses(text)) continue;
    const line = code.slice(0, change.from).split('\n').length;
    const [start, end] = [code.lastIndexOf('\n', change.from - 1) + 1, `${code}\n`.indexOf('\n', change.to)];
    mutants.push({
      kind: change.kind,
      line,
      original: oneLine(code.slice(start, end)),
      mutated: oneLine(code.slice(start, change.from) + change.with + code.slice(change.to, end)),
      text,
    });
  }
  return mutants;
}

function parses(text: string): boolean {
  try {
    stripTypeScriptTypes(text);
    return true;
  } catch {
    return false;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim() || '(nothing)';
}

function changesOf(code: string): Change[] {
  const tokens = tokensOf(code);
  const changes: Change[] = [];
  const classes: boolean[] = [];
  let isClassNext = false;
  for (const [n, token] of tokens.entries()) {
    const { text, kind, at } = token;
    if (text === 'import' && code[at - 1] !== ' ') continue;
    const replace = (kind: string, by: string | undefined) =>
      by !== undefined && changes.push({ kind, from: at, to: at + text.length, with: by });
    if (kind === 'number' && /^[\d_]+$/.test(text) && !isChosenSize(lineOf(code, at)))
      replace('bound', `${Number(text.replaceAll('_', '')) + 1}`);
    if (kind === 'word') {
      if (tokens[n - 1]?.text !== '.' && tokens[n + 1]?.text !== ':') replace('literal', LITERALS[text]);
      if (text === 'if' || text === 'while') changes.push(...conditions(tokens, n));
      if (!classes.at(-1)) changes.push(...removal(code, tokens, n));
      if (text === 'class') isClassNext = true;
    }
    if (kind !== 'sign') continue;
    // The code is formatted: an operator without spaces on both sides is not a binary operator.
    if (code[at - 1] === ' ' || code[at - 1] === '\n') {
      replace('comparison', COMPARISONS[text]);
      replace('connective', CONNECTIVES[text]);
      if (!isText(tokens[n - 1]) && !isText(tokens[n + 1]) && /\s/.test(code[at + text.length]!))
        replace('sum', SUMS[text]);
      if (text === '?') changes.push(...swap(code, tokens, n));
    }
    if (text === '++') replace('sum', '--');
    if (text === '!') replace('negation', '');
    if (text === '{') {
      classes.push(isClassNext);
      isClassNext = false;
    } else if (text === '}') classes.pop();
  }
  return changes;
}

function lineOf(code: string, at: number): string {
  return code.slice(code.lastIndexOf('\n', at) + 1, `${code}\n`.indexOf('\n', at));
}

/**
 * A named constant that is a round number, like `const PAGE = 256 * 1024;`: somebody chose it, and one more is as right.
 * Limits that a standard gives, like 125 or 65_535, are not round.
 */
function isChosenSize(line: string): boolean {
  const [, product] = /^(?:export )?const [A-Z_]+\s*= ([\d_]+(?: \* [\d_]+)*);$/.exec(line) ?? [];
  const size = product?.split(' * ').reduce((size, factor) => size * Number(factor.replaceAll('_', '')), 1) ?? 0;
  return size > 0 && (size % 100 === 0 || size % 256 === 0);
}

function isText(token: Token | undefined): boolean {
  return token?.kind === 'text';
}

/** Replaces the condition of an `if` or `while` by false, and that of an `if` by true. */
function conditions(tokens: readonly Token[], n: number): Change[] {
  const [open, end] = [tokens[n + 1], endOf(tokens, n + 2, ')')];
  if (open?.text !== '(' || end === undefined) return [];
  const change = (by: string) => ({ kind: 'condition', from: open.at + 1, to: end.at, with: by });
  return tokens[n]!.text === 'if' ? [change('false'), change('true')] : [change('false')];
}

/** Removes a statement that begins its line. */
function removal(code: string, tokens: readonly Token[], n: number): Change[] {
  const { text, at } = tokens[n]!;
  const before = code.slice(code.lastIndexOf('\n', at - 1) + 1, at);
  const last = tokens[n - 1]?.text ?? ';';
  if (before.trim() !== '' || DECLARING.test(text) || text.startsWith('#') || !/^[;{}):]$/.test(last)) return [];
  const end = endOf(tokens, n, ';');
  return end ? [{ kind: 'statement', from: at, to: end.at, with: '' }] : [];
}

/** `a ? b : c` becomes `a ? c : b`. */
function swap(code: string, tokens: readonly Token[], n: number): Change[] {
  const colon = endOf(tokens, n + 1, ':');
  if (!colon) return [];
  const end = endOf(tokens, tokens.indexOf(colon) + 1, ',', ';', ')', ']', '}');
  if (!end) return [];
  const [from, first] = [tokens[n + 1]!.at, tokens[tokens.indexOf(colon) + 1]!.at];
  const one = code.slice(from, colon.at).trim();
  return [{ kind: 'branches', from, to: end.at, with: `${code.slice(first, end.at).trim()} : ${one}` }];
}

/** The first of these signs after a token, outside of brackets that open after it. */
function endOf(tokens: readonly Token[], n: number, ...signs: string[]): Token | undefined {
  let depth = 0;
  let questions = 0;
  for (let at = n; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind !== 'sign') continue;
    const { text } = token;
    if (depth === 0 && signs.includes(text) && (text !== ':' || questions-- === 0)) return token;
    if (text === '?' && depth === 0) questions++;
    if (text === '(' || text === '[' || text === '{') depth++;
    if (text === ')' || text === ']' || text === '}') depth--;
    if (depth < 0) return undefined;
  }
  return undefined;
}

/** Chooses some of them by the seed: all kinds equally, and at most one per line. */
export function sampleOf<M extends { kind: string; line: number; file: string }>(
  mutants: readonly M[],
  count: number,
  seed: number,
): M[] {
  const random = randomOf(seed);
  const kinds = [...Map.groupBy(mutants, ({ kind }) => kind).values()].map((kind) => [...kind]);
  const chosen = new Map<string, M>();
  while (chosen.size < count && kinds.length > 0) {
    const which = Math.floor(random() * kinds.length);
    const kind = kinds[which]!;
    const [mutant] = kind.splice(Math.floor(random() * kind.length), 1);
    if (kind.length === 0) kinds.splice(which, 1);
    const place = `${mutant!.file}:${mutant!.line}`;
    if (!chosen.has(place)) chosen.set(place, mutant!);
  }
  return [...chosen.values()];
}

/** Mulberry32: numbers from 0 up to 1 that are the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
