import { ZocaloError } from '../../errors.ts';
import { parseAddress } from '../../stream/index.ts';

export const MQTT_FORM = 'mqtt://user:password@host:1883/topic/#';

const FORM = /^(mqtts?):\/\/(?:([^@/]*)@)?(\[[^\]/]*\]|[^/:@]+)(?::(\d+))?\/(.+)$/i;
const PORTS = { mqtt: 1883, mqtts: 8883 } as const;

export interface BrokerAddress {
  /** `tcp://host:port` or `tls://host:port`. */
  readonly url: string;
  /** For messages: without user and password. */
  readonly place: string;
  readonly host: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** A pattern of topics. */
  readonly topic: string;
}

/**
 * `mqtt://user:password@host:port/topic`, `mqtts:` for TLS. The topic is what stands behind the slash, as it stands:
 * `/sensors/{device}/#` is the topic `sensors/{device}/#`. In user and password, `%40` is an @.
 * @throws ZocaloError BAD_ADDRESS.
 */
export function parseBroker(address: string): BrokerAddress {
  const [, given, login, host, port, topic] = FORM.exec(address) ?? [];
  if (given === undefined || host === undefined || topic === undefined) throw bad(address);
  const scheme = given.toLowerCase() as keyof typeof PORTS;
  const place = `${host}:${port ?? PORTS[scheme]}`;
  const url = `${scheme === 'mqtt' ? 'tcp' : 'tls'}://${place}`;
  parseAddress(url);
  const [, user, password] = /^([^:]*)(?::(.*))?$/.exec(login ?? '') ?? [];
  try {
    return {
      url,
      place: `${scheme}://${place}`,
      host,
      user: user ? decodeURIComponent(user) : undefined,
      password: password === undefined ? undefined : decodeURIComponent(password),
      topic,
    };
  } catch {
    throw bad(address);
  }
}

/** The address may have a password, and is not repeated. */
function bad(address: string): ZocaloError {
  const scheme = /^mqtts?:\/\//i.test(address) ? 'an address of MQTT' : 'what should be an address of MQTT';
  return new ZocaloError('BAD_ADDRESS', `${scheme} is not complete, or has a % that stands for nothing`, {
    advice: `write it as ${MQTT_FORM}, with its topic`,
  });
}
