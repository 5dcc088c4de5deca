/** Values that JSON preserves, as `Object.prototype.toString` names them. */
const PLAIN = /(Object|Array|String|Boolean|Null)]$/;

/**
 * The parts of a request after its number, and the closing bracket: `"chat:42",{"text":"hola"}]`. Call it before
 * anything is registered, since it throws a TypeError for values that JSON would change or drop: a bigint, a function,
 * NaN, undefined (except as a member of an object), bytes, a Map.
 */
export function encodeParts(...parts: unknown[]): string {
  return JSON.stringify(parts, refuseOthers).slice(1);
}

function refuseOthers(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const kind = {}.toString.call(value);
  // `toJSON` was called already: a Date is a string here. Bytes stay bytes, although Node's Buffer has `toJSON` too.
  if (
    !ArrayBuffer.isView(this[name]) &&
    (PLAIN.test(kind) || Number.isFinite(value) || (value === undefined && !Array.isArray(this)))
  )
    return value;
  throw new TypeError(`not JSON at "${name}": ${kind}`);
}
