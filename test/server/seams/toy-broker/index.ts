import { type Broker, memory } from '../../../../src/broker/index.ts';
import type { Store } from '../../../../src/server/stores/index.ts';

/** The names of the shelves that are open: what a broker elsewhere would connect to. */
export const shelves = new Set<string>();

/** A broker of another kind: a memory that others can see is in use. */
function shelf(name: string, keys: number): Broker {
  const broker = memory({ keys: { count: keys } });
  return new Proxy(broker, {
    get(target, property) {
      if (property === 'open') shelves.add(name);
      if (property === 'close') shelves.delete(name);
      const member = Reflect.get(target, property);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

export const toyStore: Store = {
  form: 'shelf:<name>',
  hasPlace: true,
  open: shelf,
  inspect: (name) => ({ level: 'ok', sentence: `the shelf ${name} is there` }),
};
