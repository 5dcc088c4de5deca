/**
 * Calls through a handler's carrier alone, in its own process: `node bench/handlers/carrier.ts '<CarrierOrder as JSON>'`
 * prints a CallResult.
 */
import { systemClock } from '../../src/clock.ts';
import { configSchema } from '../../src/server/config/index.ts';
import { readAnswer } from '../../src/server/handlers/answer.ts';
import { carrierOf } from '../../src/server/handlers/carriers/index.ts';
import { eventText, NO_HEADERS } from '../../src/server/handlers/event.ts';
import { type CallOrder, DATA, measureCalls } from './calls.ts';

export interface CarrierOrder extends CallOrder {
  /** How it is asked: the keys of a handler. */
  keys: object;
}

const order: CarrierOrder = JSON.parse(process.argv[2]!);
const { handlers } = configSchema.parse({ handlers: { bench: { events: ['call'], methods: '*', ...order.keys } } });
const carrier = carrierOf(handlers.bench!, {
  name: 'bench',
  clock: systemClock,
  now: Date.now,
  log: { info() {}, warn() {}, error: console.error },
  onStderr: () => {},
  onCommand: async () => '{}',
});
carrier.open?.();
const who = '{"connection":"0b8e2a60-5c1d-4b6c-9a5e-0d5a1b7f3c11","user":"ana","address":"192.0.2.7"}';
let calls = 0;
const result = await measureCalls(
  order,
  async (caller) => {
    const id = `bench-${++calls}`;
    const text = eventText('call', id, { who, method: '"order.place"', data: DATA });
    const answer = await carrier.ask({ name: 'call', id, connection: `c${caller}`, headers: NO_HEADERS, text });
    readAnswer('call', answer);
  },
  () => {
    const before = process.cpuUsage();
    return () => {
      const { user, system } = process.cpuUsage(before);
      return { zocalo: (user + system) / 1e6 };
    };
  },
);
await carrier.close(2_000);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
