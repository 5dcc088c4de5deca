import type { Hub } from '../../../hub/index.ts';
import type { TlsIdentity } from '../../../websocket/index.ts';
import type { Config } from '../../config/index.ts';
import type { Change, Part } from '../../part.ts';
import type { Traffic } from '../index.ts';
import { HubServer, type ServeOptions } from './hub-server.ts';

export interface WebListenerOptions extends ServeOptions {
  /** Asked for when it opens. */
  readonly certificates: { readonly tls: ServeOptions['tls'] };
}

/** One address of `listen`: pages, API and WebSockets. */
export class WebListener implements Part {
  readonly name: string;
  readonly reloads = ['drain'] as const;
  readonly isListener = true;
  readonly #hub: Hub;
  readonly #options: WebListenerOptions;
  #server: HubServer | undefined;

  constructor(hub: Hub, address: string, options: WebListenerOptions) {
    this.#hub = hub;
    this.name = address;
    this.#options = options;
  }

  get addresses(): readonly string[] {
    return (this.#server?.addresses ?? []).map((address) => address.replace(/^ws/, 'http'));
  }

  get traffic(): Traffic | undefined {
    return this.#server?.traffic;
  }

  /** @throws as `HubServer`. */
  async open(): Promise<void> {
    const { certificates, ...options } = this.#options;
    const { tls } = certificates;
    // The engine's name of the same address.
    const address = this.name.replace(/^http/, 'ws');
    this.#server = new HubServer(this.#hub, address, { ...options, ...(tls && { tls }) });
    await this.#server.listen();
  }

  renewCertificate(identity: TlsIdentity): void {
    this.#server?.renewCertificate(identity);
  }

  prepare({ drain }: Config): Change {
    return {
      commit: () => {
        if (this.#server) this.#server.spread = drain.spread;
      },
    };
  }

  close(grace: number): Promise<void> | undefined {
    return this.#server?.close({ grace });
  }
}
