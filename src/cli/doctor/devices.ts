import { accessSync, constants, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ZocaloError } from '../../errors.ts';
import { loadDriver } from '../../optional-package.ts';
import { checkProgram, commandOf } from '../../programs/index.ts';
import type { Config, DeviceConfig, SourceConfig } from '../../server/config/index.ts';
import { HTTP_PRESETS, parseBroker } from '../../sources/index.ts';
import { connect, listen, toZocaloError } from '../../stream/index.ts';
import { type Finding, failure, ok, problem, warning } from './finding.ts';

/** Milliseconds for an answer of a device, or of a broker. */
const PATIENCE = 3_000;

type Tls = NonNullable<DeviceConfig['tls']>;

/**
 * Whether each source of devices can listen, or what it calls can be reached. Nothing is sent to a device.
 * `isRunning`: a daemon runs here, which may have the ports and the only connection that a device takes.
 */
export async function lookAtDevices({ sources }: Pick<Config, 'sources'>, isRunning: boolean): Promise<Finding[]> {
  const all = Object.entries(sources).map(async ([name, source]) => {
    const about = `source ${name}`;
    return [...(await lookAt(about, source, isRunning)), ...lookAtDecode(about, source)];
  });
  return (await Promise.all(all)).flat();
}

async function lookAt(about: string, source: SourceConfig, isRunning: boolean): Promise<Finding[]> {
  if ('database' in source) return []; // see databases
  if ('push' in source) return [ok(about, `devices may call ${HTTP_PRESETS[source.push].path} at the daemon’s port`)];
  if ('mqtt' in source) return [await lookAtBroker(about, source.mqtt, source.tls)];
  if ('lines' in source) return [await lookAtPort(about, source.lines, isRunning)];
  const { listen, dial, file, tls } = source;
  if (dial !== undefined) return [await lookAtDevice(about, dial, tls, isRunning)];
  if (file !== undefined) return [lookAtFile(about, file)];
  const port = await lookAtPort(about, listen!, isRunning);
  return tls ? [port, await lookAtCertificate(about, tls)] : [port];
}

async function lookAtPort(about: string, address: string, isRunning: boolean): Promise<Finding> {
  try {
    // Its certificate is looked at by itself.
    const server = await listen(address.replace(/^tls:/i, 'tcp:'));
    await server.close({ grace: 0 });
    return ok(about, `${address} is free`);
  } catch (error) {
    const reason = toZocaloError(error, address);
    if (reason.code === 'ADDRESS_IN_USE' && isRunning)
      return ok(about, `${address} is in use, and a zocalo runs here: /api/sources tells whether it is its own`);
    return failure(about, reason);
  }
}

async function lookAtCertificate(about: string, { cert, key, ca }: Tls): Promise<Finding> {
  try {
    const [own, secret] = await Promise.all([readFile(cert!), readFile(key!)]);
    createSecureContext({ cert: own, key: secret, ...(ca !== undefined && { ca: await readFile(ca) }) });
    return ok(about, `the certificate ${cert} fits its key`);
  } catch (error) {
    const sentence = `the certificate ${cert} with the key ${key} cannot be used: ${(error as Error).message}`;
    return problem(about, sentence, 'name the files of a certificate and of its key, in PEM form');
  }
}

async function lookAtDevice(
  about: string,
  address: string,
  tls: Tls | undefined,
  isRunning: boolean,
): Promise<Finding> {
  if (/^udp:/i.test(address))
    return ok(about, `${address} is called by UDP: whether it answers shows when the daemon runs`);
  try {
    await reach(address, tls);
    return ok(about, `${address} accepts connections`);
  } catch (error) {
    const reason = toZocaloError(error, address);
    const maybe = 'if it takes one connection only, the daemon that runs has it: see /api/sources';
    return isRunning ? warning(about, reason.happened, maybe) : failure(about, reason);
  }
}

async function lookAtBroker(about: string, mqtt: string, tls: Tls | undefined): Promise<Finding> {
  const { url, place } = parseBroker(mqtt);
  try {
    await loadDriver('mqtt', 'a source with mqtt');
    await reach(url, tls);
    return ok(about, `the broker ${place} accepts connections`);
  } catch (error) {
    return failure(about, toZocaloError(error, place));
  }
}

/** Opens a connection and ends it. @throws as `connect`, and for files that cannot be read. */
async function reach(address: string, files: Tls = {}): Promise<void> {
  const entries = Object.entries(files).filter(([, file]) => file !== undefined);
  const tls = await Promise.all(entries.map(async ([name, file]) => [name, await readFile(file!, 'utf8')] as const));
  const signal = AbortSignal.timeout(PATIENCE);
  const socket = await connect(address, { ...Object.fromEntries(tls), signal });
  socket.destroy();
}

function lookAtFile(about: string, path: string): Finding {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) {
    const fix = 'plug it in, or correct the path; the daemon opens it as soon as it is there';
    return problem(about, `${path} is not there`, fix);
  }
  if (!found.isFIFO() && !found.isCharacterDevice())
    return problem(about, `${path} is neither a device nor a FIFO`, 'give a path like /dev/ttyUSB0, or use mkfifo');
  for (const [mode, what, find] of [
    [constants.R_OK, 'read', problem],
    [constants.W_OK, 'written, so that answers and commands are lost', warning],
  ] as const) {
    if (what !== 'read' && found.isFIFO()) continue; // nothing is written there
    try {
      accessSync(path, mode);
    } catch {
      return find(about, `${path} cannot be ${what}`, 'add the daemon’s user to the group of that file (dialout)');
    }
  }
  return ok(about, `${path} is there, and can be read`);
}

function lookAtDecode(about: string, source: SourceConfig): Finding[] {
  const decode = 'decode' in source ? source.decode : undefined;
  if (!decode || !('program' in decode)) return [];
  const command = commandOf(decode.program);
  try {
    checkProgram(command);
    return [ok(about, `${command[0]}, which decodes its frames, can be started`)];
  } catch (error) {
    if (!(error instanceof ZocaloError)) throw error;
    return [failure(about, error)];
  }
}
