import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { SecureContext } from 'node:tls';
import { nodeTls } from '../../builtins.ts';
import { ZocaloError } from '../../errors.ts';
import type { CertificateConfig } from '../config/index.ts';

/** The files of a certificate. `ca`: of the authorities whose certificates are accepted of clients. */
export type CertificateFiles = CertificateConfig & { readonly ca?: string | undefined };

/** One certificate with its key, as read from the files. */
export interface Loaded {
  readonly pem: { readonly cert: string; readonly key: string; readonly ca?: string };
  readonly context: SecureContext;
  /** Milliseconds since 1970. */
  readonly expires: number;
  covers(name: string): boolean;
}

/** @throws ZocaloError BAD_CERTIFICATE, which names both files. */
export async function loadCertificate({ cert, key, ca, names }: CertificateFiles): Promise<Loaded> {
  try {
    const pem = {
      cert: await readFile(cert, 'utf8'),
      key: await readFile(key, 'utf8'),
      ...(ca !== undefined && { ca: await readFile(ca, 'utf8') }),
    };
    const context = nodeTls().createSecureContext(pem); // checks that they belong together
    const x509 = new X509Certificate(pem.cert);
    const covers =
      names.length > 0
        ? (name: string) => names.some((pattern) => matchesName(pattern, name))
        : (name: string) => x509.checkHost(name) !== undefined;
    return { pem, context, expires: Date.parse(x509.validTo), covers };
  } catch (cause) {
    const happened = `the certificate ${cert} with the key ${key} cannot be used: ${(cause as Error).message}`;
    throw new ZocaloError('BAD_CERTIFICATE', happened, { cause });
  }
}

/** A text that changes when a file, or the link to it, is replaced; empty when a file cannot be read. */
export async function fingerprint(files: CertificateFiles): Promise<string> {
  const marks = pathsOf(files).map(async (path) => {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  });
  return (await Promise.all(marks).catch(() => [''])).join(', ');
}

/** All files of a certificate. */
export function pathsOf({ cert, key, ca }: CertificateFiles): string[] {
  return ca === undefined ? [cert, key] : [cert, key, ca];
}

/** `*.example.org` matches every name with one more label (RFC 6125 §6.4.3). */
function matchesName(pattern: string, name: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), name.toLowerCase()];
  return wanted.startsWith('*.') ? given.slice(given.indexOf('.')) === wanted.slice(1) : given === wanted;
}
