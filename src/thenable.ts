/**
 * Whether a value has to be awaited. Not only a Promise of this realm: zone.js, bluebird and other realms have their
 * own classes. A query builder also has a `then`, which runs the query when it is called.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Calls an application's function; `failed` gets what it throws, or what its promise is rejected with. */
export function guard(call: () => unknown, failed: (cause: unknown) => void): void {
  try {
    const result = call();
    if (isThenable(result)) Promise.resolve(result).catch(failed);
  } catch (cause) {
    failed(cause);
  }
}
