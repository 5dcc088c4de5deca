import { isIP } from 'node:net';
import { nodeTls } from '../../builtins.ts';
import { type Clock, systemClock } from '../../clock.ts';
import { encode, SUBPROTOCOL } from '../../protocol/index.ts';
import { connectWebSocket, type WebSocketClient } from '../../websocket/index.ts';
import { type Answer, ask } from '../daemon-call.ts';
import { type Finding, failure, happenedIn, ok, problem, proxyProblem, warning } from './finding.ts';

/** Milliseconds by which clocks may differ before tokens fail. */
const SKEW = 5_000;

/** RFC 9110 §15.5.20: the daemon does not accept this host name. */
const MISDIRECTED = 421;

export interface ProxyOptions {
  /** The public address of the daemon: `https://chat.example.org`. */
  readonly url: string;
  /** Milliseconds that a silent connection must survive. */
  readonly wait: number;
  readonly proxies: readonly string[];
  /** The token for the daemon, if it needs one. */
  readonly token?: string | undefined;
  /** Certificates of authorities to trust besides the well-known ones, in PEM form. */
  readonly ca?: string | undefined;
  readonly clock?: Clock;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface ProxyReport {
  readonly findings: readonly Finding[];
  /** The proxy's name in its header Server. */
  readonly server: string | undefined;
}

interface WhoAmI {
  readonly address: string;
  readonly forwarding: 'none' | 'believed' | 'ignored';
  readonly proto: string;
  readonly host?: string;
}

/** Checks the daemon from outside, through whatever is in front of it. */
export async function lookThroughProxy(options: ProxyOptions): Promise<ProxyReport> {
  const { url, ca, proxies, now = Date.now } = options;
  let answer: Answer;
  try {
    answer = await ask({ url, ca }, '/api/whoami');
  } catch (error) {
    return { findings: [failure('proxy', error)], server: undefined };
  }
  const { response } = answer;
  const server = response.headers.server?.toString();
  const who = read(answer);
  if (response.statusCode === MISDIRECTED) {
    const [sentence = ''] = answer.body.split(';');
    const { hostname } = new URL(url);
    const fix = `add ${hostname} to hosts, and let the proxy pass on the header Host`;
    return { findings: [problem('proxy', `${url} answers with 421: ${sentence}`, fix)], server };
  }
  if (!who) {
    const sentence = `${url} answers with ${response.statusCode}, and does not lead to zocalo serve`;
    return { findings: [proxyProblem(sentence, 'start the daemon, and let the proxy lead to its address')], server };
  }
  const findings = [
    ok('proxy', `${url} leads to the daemon${server ? ` through ${server}` : ''}`),
    ...lookAtClock(response.headers.date, now()),
    ...lookAtHeaders(new URL(url), who),
    ...lookAtAddress(who, answer.localAddress, proxies),
    ...(await lookAtUpgrade(options)),
  ];
  return { findings, server };
}

function read({ response, body }: Answer): WhoAmI | undefined {
  try {
    const who = JSON.parse(body);
    return response.statusCode === 200 && typeof who.address === 'string' ? who : undefined;
  } catch {
    return undefined;
  }
}

function lookAtClock(date: string | undefined, now: number): Finding[] {
  const skew = Math.abs(Date.parse(date ?? '') - now);
  if (Number.isNaN(skew)) return [];
  if (skew <= SKEW) return [ok('clock', 'is that of the server')];
  const sentence = `differs from that of the server by ${Math.round(skew / 1_000)} s: tokens may seem expired, or not yet valid`;
  return [warning('clock', sentence, 'let both be set by NTP (timedatectl set-ntp true)')];
}

function lookAtHeaders({ host, protocol }: URL, who: WhoAmI): Finding[] {
  const findings: Finding[] = [];
  if (who.host !== host)
    findings.push(
      proxyProblem(`the header Host is not passed on: the daemon sees ${who.host}, and refuses pages of ${host}`),
    );
  if (who.forwarding !== 'ignored' && `${who.proto}:` !== protocol)
    findings.push(
      proxyProblem(`X-Forwarded-Proto is not passed on: the daemon sees ${who.proto}:// instead of ${protocol}//`),
    );
  return findings;
}

/** A proxy passes on what is needed, but the daemon does not trust it. */
function untrusted(proxy: string): Finding {
  return problem(
    'proxy',
    `what the proxy passes on is ignored: its address, ${proxy}, is not in the key proxies`,
    `add it, proxies: [${proxy}], and restart the daemon`,
  );
}

/** `own`: the address of our end of the connection, which is also ours within our own network. */
function lookAtAddress(
  { address: seen, forwarding }: WhoAmI,
  own: string | undefined,
  proxies: readonly string[],
): Finding[] {
  if (forwarding === 'ignored') return [untrusted(seen)];
  if (seen === own?.replace(/^::ffff:/, ''))
    return [
      ok(
        'proxy',
        forwarding === 'none' ? `the daemon sees your address, ${seen}` : `passes on the client's address, ${seen}`,
      ),
    ];
  if (!isInternal(seen)) return [ok('proxy', `the daemon sees you as ${seen}: that should be your public address`)];
  const isTrusted = proxies.includes(seen);
  const sentence = `the client's address is not passed on: the daemon sees every client as ${seen}`;
  if (isTrusted) return [proxyProblem(sentence)];
  return [
    proxyProblem(sentence, `let the daemon trust the proxy, with proxies: [${seen}], and see the lines for it below`),
  ];
}

/** Addresses that no client on the internet has. */
function isInternal(address: string): boolean {
  return isIP(address) === 4
    ? /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(address)
    : /^(::1$|f[cd]|fe[89ab])/i.test(address);
}

async function lookAtUpgrade({ url, wait, token, ca, clock = systemClock }: ProxyOptions): Promise<Finding[]> {
  let client: WebSocketClient;
  try {
    client = await connectWebSocket(url.replace(/^http/, 'ws'), {
      protocols: [SUBPROTOCOL],
      headers: { Origin: new URL(url).origin },
      ...(ca !== undefined && { tls: { ca: [...nodeTls().getCACertificates(), ca] } }),
      pingInterval: 0, // what keeps the line open must be the daemon
    });
  } catch (error) {
    const sentence = happenedIn(error);
    if (/ with 403\b/.test(sentence))
      return [
        problem('proxy', sentence, `add ${new URL(url).origin} to origins, and let the proxy pass on the header Host`),
      ];
    return [proxyProblem(`WebSockets do not get through: ${sentence}`)];
  }
  try {
    client.send(encode(['hi', 1, token === undefined ? {} : { token }]));
    return [ok('proxy', 'WebSockets get through'), await lookAtSilence(client, wait, clock)];
  } finally {
    client.terminate();
  }
}

/** Sends nothing but the answers to pings, and waits. */
async function lookAtSilence(client: WebSocketClient, wait: number, clock: Clock): Promise<Finding> {
  const start = clock.now();
  const patience = new Promise<'patience'>((resolve) => clock.after(wait, () => resolve('patience')));
  const refusal = Promise.withResolvers<string>();
  const listening = (async () => {
    for await (const message of client) {
      for (const line of String(message).split('\n')) {
        if (line === '[]') client.send('[]');
        const [verb, first, second] = JSON.parse(line);
        if (verb === 'err' || verb === 'bye') refusal.resolve(String(verb === 'err' ? second : first));
      }
    }
  })();
  listening.catch(() => {}); // `closed` reports how it ended
  const outcome = await Promise.race([patience, refusal.promise.then((code) => ({ code })), client.closed]);
  const seconds = Math.round((clock.now() - start) / 1_000);
  if (outcome === 'patience') {
    const more = wait < 60_000 ? '; --wait 75s would show whether a minute of silence does' : '';
    return ok('proxy', `a silent connection survives ${seconds} s${more}`);
  }
  if (typeof outcome.code === 'string') {
    const sentence = `the daemon refused our connection (${outcome.code}), so that a silent connection could not be watched`;
    return warning('proxy', sentence, 'run this where the configuration with the secret is');
  }
  return proxyProblem(
    `a silent connection is closed after ${seconds} s`,
    'let the proxy wait for longer than the time between pings (the key ping): see the lines for the proxy below',
  );
}
