import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { SecureContext, TlsOptions } from 'node:tls';
import { type Clock, systemClock } from '../../clock.ts';
import type { TlsIdentity } from '../../websocket/index.ts';
import { type CertificateFiles, fingerprint, type Loaded, loadCertificate, pathsOf } from './certificate.ts';

export interface CertificatesOptions {
  readonly log: Record<'info' | 'warn' | 'error', (fields: object, sentence: string) => void>;
  readonly clock?: Clock;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** Milliseconds to wait after a change, since certificate and key are written one after the other. */
const QUIET = 1_000;
/** Milliseconds between checks of the files, for changes that a watcher misses: a changed link, a network disk. */
const LOOK = 60_000;
const DAY = 86_400_000;
/** Days before the expiry at which the log says so, as a warning and as an error. */
const WARN_DAYS = 14;
const ALARM_DAYS = 3;

/**
 * The daemon's certificates, chosen by the name that the client asks for: the first that covers it, or else the first
 * in the list. Their files are watched. A new pair is used from the next connection on; when it is invalid, the old one
 * stays in use and the log says so.
 *
 * @example
 * const certificates = new Certificates(config.tls, { log });
 * await certificates.open();
 * const server = new HubServer(hub, 'wss://…', { tls: certificates.tls });
 * certificates.onRenewed = (tls) => server.renewCertificate(tls);
 */
export class Certificates {
  /** Called with the first certificate when that has changed. The others are looked up for each handshake. */
  onRenewed: (tls: TlsIdentity) => void = () => {};
  readonly #configs: readonly CertificateFiles[];
  readonly #log: CertificatesOptions['log'];
  readonly #clock: Clock;
  readonly #now: () => number;
  #loaded: Loaded[] = [];
  #marks: string[] = [];
  #warned: string[] = [];
  #watchers: FSWatcher[] = [];
  #stops: (() => void)[] = [];
  #cancelLoad = (): void => {};
  #reloading: Promise<void> = Promise.resolve();

  constructor(configs: readonly CertificateFiles[], { log, clock = systemClock, now = Date.now }: CertificatesOptions) {
    this.#configs = configs;
    this.#log = log;
    this.#clock = clock;
    this.#now = now;
  }

  /** Loads all of them and begins to watch. @throws ZocaloError BAD_CERTIFICATE. */
  async open(): Promise<void> {
    this.#marks = await Promise.all(this.#configs.map(fingerprint));
    this.#loaded = await Promise.all(this.#configs.map(loadCertificate));
    this.#warnOfEnds();
    const folders = new Set(this.#configs.flatMap((files) => pathsOf(files).map((path) => dirname(path))));
    for (const folder of folders) this.#watch(folder);
    this.#stops.push(
      this.#clock.every(LOOK, () => this.reload()),
      this.#clock.every(DAY, () => this.#warnOfEnds()),
    );
  }

  close(): void {
    this.#cancelLoad();
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** For `https.createServer` and the option `tls` of a `WebSocketServer`. */
  get tls(): TlsIdentity & Pick<TlsOptions, 'SNICallback'> {
    return {
      ...this.#loaded[0]!.pem,
      SNICallback: (name, answer) => answer(null, this.#contextFor(name)),
    };
  }

  #contextFor(name: string): SecureContext {
    return (this.#loaded.find(({ covers }) => covers(name)) ?? this.#loaded[0]!).context;
  }

  /** Loads what has changed; resolves when that is done. Never rejects. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    for (const [i, config] of this.#configs.entries()) {
      const mark = await fingerprint(config);
      if (mark === this.#marks[i]) continue;
      this.#marks[i] = mark;
      try {
        const loaded = await loadCertificate(config);
        if (i === 0) this.onRenewed(loaded.pem);
        this.#loaded[i] = loaded;
        this.#warned[i] = '';
        const expires = new Date(loaded.expires).toISOString();
        this.#log.info({ cert: config.cert, expires }, 'a certificate was renewed');
      } catch (err) {
        // The file could not be read: the next check tries again.
        if (isOutOfFiles(err)) this.#marks[i] = '';
        this.#log.error({ err, cert: config.cert }, 'a new certificate cannot be used, so the old one stays in use');
      }
    }
    this.#warnOfEnds();
  }

  /** Logs once for each certificate that it expires soon, and once more when it expires very soon. */
  #warnOfEnds(): void {
    for (const [i, { expires }] of this.#loaded.entries()) {
      const days = Math.floor((expires - this.#now()) / DAY);
      const level = days < ALARM_DAYS ? 'error' : days < WARN_DAYS ? 'warn' : '';
      if (level === '' || this.#warned[i] === level) continue;
      this.#warned[i] = level;
      const sentence = days < 0 ? 'a certificate has expired' : `a certificate expires in ${days} days`;
      this.#log[level]({ cert: this.#configs[i]!.cert, expires: new Date(expires).toISOString() }, sentence);
    }
  }

  #watch(folder: string): void {
    const watcher = watch(folder, { persistent: false }, () => {
      this.#cancelLoad();
      this.#cancelLoad = this.#clock.after(QUIET, () => this.reload());
    });
    watcher.on('error', () => watcher.close()); // the periodic check remains
    this.#watchers.push(watcher);
  }
}

function isOutOfFiles(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code === 'EMFILE' || cause?.code === 'ENFILE';
}
