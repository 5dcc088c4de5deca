import '../../src/client/credentials.ts'; // loaded already, so that no test waits for the disk
import '../../src/client/extras.ts';
import { Client, type ClientOptions } from '../../src/client/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeHub } from './fake-hub.ts';

/** A wall clock: it goes on while the machine sleeps and its timers stand still. */
class WallClock extends FakeClock {
  #slept = 0;

  override now(): number {
    return super.now() + this.#slept;
  }

  sleep(milliseconds: number): void {
    this.#slept += milliseconds;
  }
}

/** A client, the hub that it talks to, and the clock that both live by. */
export function setUp(options: ClientOptions = {}) {
  const clock = new WallClock();
  const hub = new FakeHub();
  const network = new EventTarget();
  const client = new Client('ws://hub/', { WebSocket: hub.WebSocket, clock, random: () => 0.5, network, ...options });
  const states: string[] = [];
  const errors: Error[] = [];
  client.on('state', (state) => states.push(state));
  client.on('error', (error) => errors.push(error));
  /** After a loss: the pause passes, and everything settles again. */
  const comeBack = async () => {
    clock.advance(client.retryIn);
    await hub.settle();
  };
  return { clock, hub, network, client, states, errors, comeBack };
}
