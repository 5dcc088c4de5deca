import { runInNewContext } from 'node:vm';

const realm = runInNewContext(
  '({ resolve: (value) => Promise.resolve(value), reject: (error) => Promise.reject(error) })',
);

/** A promise of another realm, as of zone.js or bluebird: no instance of our `Promise`. */
export const resolved = <T>(value: T): Promise<T> => realm.resolve(value);

export const rejected = (error: unknown): Promise<never> => realm.reject(error);

/** As a query builder: `run` is called when somebody awaits it, and not before. */
export function query<T>(run: () => T): PromiseLike<T> {
  // biome-ignore lint/suspicious/noThenProperty: that is what such a builder is
  return { then: (onResolved, onRejected) => Promise.resolve().then(run).then(onResolved, onRejected) };
}
