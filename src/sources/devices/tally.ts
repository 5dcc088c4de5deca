import type { ZocaloError } from '../../errors.ts';

/** The last thing that was wrong with a device. */
export interface DeviceError {
  readonly code: ZocaloError['code'];
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What is counted for a device, since the source has known it. */
export class DeviceTally {
  frames = 0;
  errors = 0;
  lastError: DeviceError | undefined;

  failed({ code, happened }: ZocaloError, at: number): void {
    this.errors++;
    this.lastError = { code, message: happened, at };
  }
}
