/** What arrives as it is, as `Object.prototype.toString` names it. */
const PLAIN = /(Object|Array|String|Boolean|Null)]$/;

/**
 * The parts of a request behind its number, and the bracket that ends it: `"chat:42",{"text":"hola"}]`. To be called
 * before anything is registered, since it throws a TypeError for what would arrive as something else, or not at all:
 * a bigint, a function, NaN, undefined (but as a member of an object), bytes, a Map.
 */
export function encodeParts(...parts: unknown[]): string {
  return JSON.stringify(parts, refuseOthers).slice(1);
}

function refuseOthers(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const kind = Object.prototype.toString.call(value);
  const isPlain =
    typeof value === 'number' ? Number.isFinite(value) : value === undefined ? !Array.isArray(this) : PLAIN.test(kind);
  // `toJSON` has been called: a Date is a text by now. Bytes stay bytes, though Node's Buffer has it too.
  if (isPlain && !ArrayBuffer.isView(this[name])) return value;
  throw new TypeError(`no JSON at "${name}": ${kind}`);
}
