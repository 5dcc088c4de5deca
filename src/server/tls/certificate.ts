import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { SecureContext } from 'node:tls';
import { nodeTls } from '../../builtins.ts';
import { ZocaloError } from '../../errors.ts';
import type { CertificateConfig } from '../config/index.ts';

/** One certificate with its key, as the files had it. */
export interface Loaded {
  readonly pem: { readonly cert: string; readonly key: string };
  readonly context: SecureContext;
  /** Milliseconds since 1970. */
  readonly expires: number;
  covers(name: string): boolean;
}

/** @throws ZocaloError BAD_CERTIFICATE, which names both files. */
export async function loadCertificate({ cert, key, names }: CertificateConfig): Promise<Loaded> {
  try {
    const pem = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
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

/** What changes when a file or the link that leads to it is replaced; empty for a file that cannot be looked at. */
export async function fingerprint({ cert, key }: CertificateConfig): Promise<string> {
  const marks = [cert, key].map(async (path) => {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  });
  return (await Promise.all(marks).catch(() => [''])).join(', ');
}

/** `*.example.org` is every name with one label more (RFC 6125 §6.4.3). */
function matchesName(pattern: string, name: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), name.toLowerCase()];
  return wanted.startsWith('*.') ? given.slice(given.indexOf('.')) === wanted.slice(1) : given === wanted;
}
