import type { TlsOptions } from 'node:tls';
import type { TlsIdentity } from '../../websocket/index.ts';
import type { Config } from '../config/index.ts';
import { type Change, changes, type Part } from '../part.ts';
import { Certificates, type CertificatesOptions } from './certificates.ts';

/** The certificates of the current configuration; a reload replaces them. */
export class CertificatesPart implements Part {
  readonly name = 'the certificates';
  readonly reloads = ['tls'] as const;
  readonly #options: CertificatesOptions;
  readonly #onRenewed: (tls: TlsIdentity) => void;
  #current: Certificates;
  readonly #isUsed: boolean;

  /** `onRenewed` is called with the first certificate when that has changed. */
  constructor({ tls }: Config, options: CertificatesOptions, onRenewed: (tls: TlsIdentity) => void) {
    this.#options = options;
    this.#onRenewed = onRenewed;
    this.#current = this.#of(tls);
    this.#isUsed = tls.length > 0;
  }

  /** @throws ZocaloError BAD_CERTIFICATE. */
  async open(): Promise<void> {
    if (this.#isUsed) await this.#current.open();
  }

  /** The options for an engine; undefined when there are no certificates. */
  get tls(): (TlsIdentity & Pick<TlsOptions, 'SNICallback'>) | undefined {
    if (!this.#isUsed) return undefined;
    // Looked up for each handshake, since a reload replaces the certificates.
    return { ...this.#current.tls, SNICallback: (name, answer) => this.#current.tls.SNICallback!(name, answer) };
  }

  /** @throws ZocaloError BAD_CERTIFICATE. */
  async prepare(next: Config, now: Config): Promise<Change | undefined> {
    if (!changes('tls', next, now)) return undefined;
    const certificates = this.#of(next.tls);
    try {
      await certificates.open();
    } catch (error) {
      certificates.close();
      throw error;
    }
    return {
      commit: () => {
        this.#current.close();
        this.#current = certificates;
        if (next.tls.length > 0) this.#onRenewed(certificates.tls);
      },
      discard: () => certificates.close(),
    };
  }

  close(): void {
    this.#current.close();
  }

  #of(tls: Config['tls']): Certificates {
    const certificates = new Certificates(tls, this.#options);
    certificates.onRenewed = this.#onRenewed;
    return certificates;
  }
}
