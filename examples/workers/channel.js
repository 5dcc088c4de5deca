// A channel through the worker. `hear` gets the name of each event, and its value.
export function subscribe(channel, options, hear) {
  const script = new URL('worker.js', import.meta.url);
  const port = globalThis.SharedWorker
    ? new SharedWorker(script, { type: 'module' }).port
    : new Worker(script, { type: 'module' });
  const waiting = new Map();
  port.onmessage = ({ data: { event, value, id, position, error } }) => {
    if (event) return hear(event, value);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(Object.assign(new Error(error.message), error));
    else resolve(position);
  };

  // Nothing tells a SharedWorker that a tab has gone. But the locks of a tab are released, also when it crashes.
  const lock = crypto.randomUUID();
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  const subscribed = new Promise((resolve) => {
    navigator.locks.request(lock, () => {
      port.postMessage({ channel, options, lock });
      resolve();
      return released;
    });
  });

  return {
    unsubscribe: release,
    publish: async (data) => {
      await subscribed;
      const id = crypto.randomUUID();
      port.postMessage({ id, data });
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
  };
}
