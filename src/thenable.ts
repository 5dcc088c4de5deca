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

/** Goes on with a value at once, or when it has arrived. What is there already costs no turn of the loop. */
export function then<In, Out>(
  value: In | PromiseLike<In>,
  next: (value: In) => Out | PromiseLike<Out>,
): Out | Promise<Out> {
  return isThenable(value)
    ? Promise.resolve(value as PromiseLike<In>).then(next)
    : (next(value as In) as Out | Promise<Out>);
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
