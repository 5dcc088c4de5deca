import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import { loadConfigApart, type PlainConfig } from '../config-process.ts';
import { takeSignals } from '../early-signals.ts';
import { freeAddress } from '../free-address.ts';
import { invocation } from '../invocation.ts';
import { pageAddresses } from '../page-addresses.ts';
import { announceDrain, supervise, supervisorGone, workerCommand } from '../supervision/index.ts';
import { addConfigOptions, type ConfigOptions, loadOptionsOf } from './config-options.ts';

const EXAMPLES = `
Examples:
  zocalo serve                   with zocalo.config.yaml; without one, the demo at http://localhost:9000
  zocalo serve --port 8080
  zocalo serve --host 0.0.0.0    for the whole network
  zocalo serve --store memory    keeps nothing after it ends
  zocalo serve --supervise --error-log zocalo.err
SIGTERM and SIGINT stop it gracefully; SIGHUP reloads the configuration.
Rooms are paths: http://localhost:9000/chat:tacos is one, and ws://localhost:9000/chat:tacos is the same one as plain text.`;

const FEW_FILES =
  'limits.connections is more than this process can hold, because of its limit of open files: raise that ' +
  '(ulimit -n, LimitNOFILE of systemd, --ulimit nofile of Docker), or lower limits.connections';

interface ServeOptions extends ConfigOptions {
  debug?: true;
  supervise?: true;
  errorLog?: string;
}

export function addServe(program: Command): void {
  addConfigOptions(program.command('serve'))
    .description('serve pages, HTTP API and WebSockets on one port')
    .option('--debug', 'log every line of clients and to clients, and each refusal; secrets are hidden')
    .option('--supervise', 'run it in a child process, and restart it when it crashes')
    .option('--error-log <file>', 'with --supervise: the file where each crash is recorded')
    .addHelpText('after', EXAMPLES)
    .action((options: ServeOptions) =>
      options.supervise ? watchOver(options) : serve(options, program.version() ?? ''),
    );
}

/** Runs until SIGINT or SIGTERM; then clients are told when to reconnect. */
async function serve(options: ServeOptions, version: string): Promise<void> {
  // Signals are handled from the first moment to the last, so that none interrupts a start or a stop.
  const told = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  let isTold = false;
  const abort = new AbortController();
  const stop = () => {
    isTold = true;
    told.resolve();
    abort.abort();
  };
  // One reload after the other, and at most one that waits: it reads what is there then.
  let isAsked = false;
  let reloading: Promise<void> = started.promise;
  const askForReload = () => {
    if (isAsked) return;
    isAsked = true;
    reloading = reloading.then(() => {
      isAsked = false;
      return reload();
    });
  };
  takeSignals((signal) => (signal === 'SIGHUP' ? askForReload() : stop()));

  const loaded = await loadConfigApart(loadOptionsOf(options), version);
  if (isTold) return; // before anything was opened
  const key = isDemo(loaded) ? randomBytes(24).toString('base64url') : undefined;
  const listen = loaded.choosesPort ? await freeAddress() : undefined;
  const configured = (loaded: PlainConfig): PlainConfig['config'] => ({
    ...(key !== undefined && isDemo(loaded) ? withKey(loaded.config, key) : loaded.config),
    ...(listen !== undefined && loaded.choosesPort && { listen }),
    ...(options.debug && { log: { ...loaded.config.log, level: 'debug' as const } }),
  });
  const [{ Daemon }, operations, { roomFor }, { preload }] = await Promise.all([
    import('../../server/daemon.ts'),
    import('../../server/operations/index.ts'),
    import('../../server/limits/index.ts'),
    import('../../server/preload.ts'),
  ]);
  await preload();
  const config = configured(loaded);
  const secrets = new Set(secretsOf(config));
  const log = operations.createLog(config.log, { secrets });
  for (const warning of loaded.warnings) log.warn({}, warning);
  const { openFiles } = loaded;
  const daemon = new Daemon(config, { log, version, openFiles, trace: options.debug === true, signal: abort.signal });
  const reload = async () => {
    if (isTold) return;
    try {
      const config = configured(await loadConfigApart(loadOptionsOf(options), version));
      for (const secret of secretsOf(config)) secrets.add(secret);
      await daemon.reload(config);
      announceDrain(config.drain.deadline);
      log.info({}, 'the configuration was reloaded');
    } catch (err) {
      log.error({ err }, 'the configuration was not applied; nothing has changed');
    }
  };
  if (isTold) return; // it may have come while all of that was loaded
  try {
    await daemon.start();
  } catch (error) {
    // It waited for its store.
    if (isTold && error instanceof ZocaloError && error.code === 'ABORTED') return;
    throw error;
  }
  const { connections } = config.limits;
  if (openFiles !== undefined && connections > roomFor(openFiles))
    log.warn({ connections, openFiles, room: roomFor(openFiles) }, FEW_FILES);
  started.resolve();
  announceDrain(config.drain.deadline);
  const pages = pageAddresses(daemon.addresses);
  // If it cannot be written, for example on a full disk, it is lost, and the daemon continues.
  const say = operations.writeAtOnce(1);
  if (listen !== undefined && !listen.endsWith(':9000')) say('Port 9000 is taken by another program.\n');
  say(`Zócalo is open at ${pages.join(' and ')}\n`);
  if (key !== undefined) say(demo(pages[0] ?? '', key));
  await Promise.race([told.promise, supervisorGone()]);
  isTold = true;
  await daemon.stop();
}

/** Without a configuration, there are no API keys either. */
function isDemo({ file, config }: PlainConfig): boolean {
  return file === undefined && config.api.keys.length === 0;
}

function withKey(config: PlainConfig['config'], key: string): PlainConfig['config'] {
  const demo = { name: 'demo', key, can: ['admin' as const], channels: ['*'] };
  return { ...config, api: { ...config.api, keys: [demo] } };
}

function demo(page: string, key: string): string {
  return `
Without a configuration this is a demo, with an API key for this run alone:

  curl -H 'Authorization: Bearer ${key}' \\
    -d '{"channel":"chat:square","data":{"name":"curl","text":"Hola"}}' ${page}/api/publish

The same key opens ${page}/admin. For a daemon of your own: ${invocation()} init
`;
}

/** What must never appear in a log. */
function secretsOf({ secret, api, webhooks }: PlainConfig['config']): string[] {
  const all = [secret, ...api.keys.map(({ key }) => key), ...webhooks.map(({ secret }) => secret)];
  return all.filter((text) => text !== undefined);
}

/** A small process that restarts the daemon when it crashes. */
async function watchOver({ errorLog }: ServeOptions): Promise<void> {
  const signals = new EventEmitter();
  const ended = supervise({ command: workerCommand(), errorLog, signals });
  takeSignals((signal) => void signals.emit(signal, signal));
  process.exitCode = await ended;
}
