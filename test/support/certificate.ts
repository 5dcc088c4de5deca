import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  cert: string;
  key: string;
}

/**
 * A certificate that signs itself, made by the openssl program for this run alone, valid for a day; give its `cert`
 * as `ca` to whoever shall trust it.
 *
 * @param names subject alternative names as OpenSSL writes them.
 */
export function makeCertificate(names = 'DNS:localhost,IP:127.0.0.1,IP:::1'): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'zocalo-certificate-'));
  try {
    const key = join(directory, 'key.pem');
    const cert = join(directory, 'cert.pem');
    const subject = ['-subj', '/CN=zocalo test', '-addext', `subjectAltName=${names}`];
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    execFileSync('openssl', [...make, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
