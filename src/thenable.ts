/**
 * Whether a value is to be awaited. Not only a Promise of this realm: zone.js and bluebird have classes of their own,
 * other realms too, and a query builder has a `then` that runs the query when somebody asks for its outcome.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Calls what a program gave us; `failed` hears what it throws, and what its promise is rejected with. */
export function guard(call: () => unknown, failed: (cause: unknown) => void): void {
  try {
    const result = call();
    if (isThenable(result)) Promise.resolve(result).catch(failed);
  } catch (cause) {
    failed(cause);
  }
}
