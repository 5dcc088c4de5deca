import type { Code } from './codes.ts';
import { LIMITS } from './limits.ts';
import type { Position } from './messages.ts';

/** What is wrong with a line: a code of the table, a message, and the request's number if it has one. */
export interface Fault {
  code: Code;
  message: string;
  /** 0 when the line has none. */
  id: number;
}

/** One decoded line, valid or not. */
export type Decoded<T> = { message: T; fault?: undefined } | { message?: undefined; fault: Fault };

/** A check of one part of a line: whether it is valid. */
export type Check = (value: unknown) => boolean;

export const isId: Check = (value) => isCount(value, 1, LIMITS.id);
export const isNumber: Check = (value) => isCount(value, 0, Number.MAX_SAFE_INTEGER);
export const isText: Check = (value) => typeof value === 'string';
export const anything: Check = (value) => value !== undefined;

export function isCount(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

export function isShort(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= most;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isPosition(value: unknown): value is Position {
  return Array.isArray(value) && value.length === 2 && isShort(value[0], LIMITS.epoch) && isNumber(value[1]);
}

/** An object whose known members pass their checks. Unknown members are ignored. */
export function objectOf(members: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(members);
  return (value) =>
    isObject(value) && names.every((name) => !Object.hasOwn(value, name) || members[name]!(value[name]));
}
