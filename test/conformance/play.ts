import { turn } from '../support/turn.ts';
import type { Action, Case, End, Event, Verdict } from './case.ts';
import { fragments } from './frame.ts';
import type { RawPeer } from './raw-peer.ts';

/** How long a subject that should end the connection is given before the script goes on. Only a lax one needs it. */
const GRACE = 2000;
const PATIENCE = 20_000;

/** Plays a case to its end and judges it. */
export async function play(scenario: Case, peer: RawPeer): Promise<Verdict> {
  const patience = setTimeout(() => peer.destroy('it went silent'), scenario.patience ?? PATIENCE);
  try {
    for (const action of scenario.script) if (!peer.finished && !peer.trouble) await perform(action, peer);
    const wrong = () => !mayStillMatch(scenario, peer);
    await peer.until(() => wrong() || complete(scenario, peer));
    const end = endOf(scenario, peer);
    if (end.by === 'peer' && !wrong()) peer.sendClose(end.codes[0]!);
    await peer.until(wrong);
    if (!peer.finished) peer.destroy(`it sent ${list(peer.events)}`);
  } finally {
    clearTimeout(patience);
  }
  return judge(scenario, peer);
}

async function perform(action: Action, peer: RawPeer): Promise<void> {
  if ('send' in action) await peer.send(action.send, action.chop);
  else if ('part' in action) await peer.sendPart(action.part, action.from, action.to);
  else if ('events' in action) await peer.until(() => peer.events.length >= action.events || !peer.open);
  else if ('hangUp' in action) peer.hangUp(action.hangUp);
  else if ('pause' in action) await pause(action, peer);
  else await rally(action, peer);
}

async function pause(action: { pause: string; turns?: number }, peer: RawPeer): Promise<void> {
  if (action.turns === undefined) {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GRACE);
    });
    await Promise.race([peer.until(() => !peer.open), grace]);
    clearTimeout(timer);
  } else for (let i = 0; i < action.turns && peer.open; i++) await turn();
  if (peer.open) peer.events.push({ kind: 'pause', name: action.pause });
}

async function rally(action: Extract<Action, { rally: number }>, peer: RawPeer): Promise<void> {
  for (let i = 0; i < action.rally && peer.open; i++) {
    const message = action.message(i);
    const sent = peer.compress(message);
    await peer.send(action.fragment ? fragments(sent, action.fragment) : [sent]);
    await peer.until(() => peer.events.length > 0 || !peer.open);
    const [echo] = peer.events.splice(0);
    const kind = message.opcode === 1 ? 'text' : 'binary';
    if (!echo || !same([echo], [{ kind, payload: message.payload }])) {
      return peer.destroy(`message ${i} came back as ${echo ? list([echo]) : 'nothing'}`);
    }
  }
}

function mayStillMatch(scenario: Case, peer: RawPeer): boolean {
  if (scenario.informational) return true;
  const { events } = peer;
  return [scenario.expect, scenario.nonStrict ?? scenario.expect].some((expected) =>
    same(events, expected.slice(0, events.length)),
  );
}

function complete({ expect, nonStrict, nonStrictEnd, informational }: Case, peer: RawPeer): boolean {
  if (informational || !peer.open || same(peer.events, expect)) return true;
  return nonStrictEnd !== undefined && same(peer.events, nonStrict ?? []);
}

function endOf({ nonStrict, nonStrictEnd, end }: Case, peer: RawPeer): End {
  return nonStrictEnd && nonStrict && same(peer.events, nonStrict) ? nonStrictEnd : end;
}

function judge(scenario: Case, peer: RawPeer): Verdict {
  const { expect, nonStrict, informational } = scenario;
  const end = endOf(scenario, peer);
  const code = peer.closing?.code;
  const failed = (why: string): Verdict => ({ grade: 'FAILED', code, why });
  if (peer.trouble) return failed(peer.trouble);
  if (informational) return { grade: 'INFORMATIONAL' };
  const strict = same(peer.events, expect);
  if (!strict && !(nonStrict && same(peer.events, nonStrict))) return failed(`it sent ${list(peer.events)}`);
  if ((peer.firstToClose ?? 'subject') !== end.by) return failed('the wrong end closed first');
  if (end.clean && !peer.clean) return failed('the closing handshake was not completed, or the wrong end dropped TCP');
  if (code === undefined ? end.exact : !end.codes.includes(code)) return failed(`it closed with ${code ?? 'no code'}`);
  if (end.reason !== undefined && peer.closing?.reason !== end.reason) return failed('its reason is another one');
  return strict ? { grade: 'OK', code } : { grade: 'NON-STRICT', code, why: list(peer.events) };
}

function same(a: Event[], b: Event[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((event, i) => {
    const other = b[i]!;
    if (event.kind === 'pause' || other.kind === 'pause') {
      return event.kind === 'pause' && other.kind === 'pause' && event.name === other.name;
    }
    return event.kind === other.kind && event.payload.equals(other.payload);
  });
}

function list(events: Event[]): string {
  if (events.length === 0) return 'nothing';
  return events
    .slice(0, 4)
    .map((event) => {
      if (event.kind === 'pause') return `(open at ${event.name})`;
      const octets = event.payload.subarray(0, 16).toString('hex');
      return `${event.kind}[${event.payload.length}] ${octets}`.trim();
    })
    .join(', ');
}
