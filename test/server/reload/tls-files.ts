import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { makeCertificate } from '../../support/certificate.ts';
import { fileOf } from '../auth/auth-fixture.ts';

/** The files of a certificate, what is in them, and by what it is known again. */
export function issue(t: TestContext, names?: string) {
  const pem = makeCertificate(names);
  const files = { cert: fileOf(t, 'cert.pem'), key: fileOf(t, 'key.pem') };
  writeFileSync(files.cert, pem.cert);
  writeFileSync(files.key, pem.key);
  return { ...files, pem, print: new X509Certificate(pem.cert).fingerprint256 };
}

/** As the configuration names them. */
export function filesOf({ cert, key }: ReturnType<typeof issue>) {
  return { cert, key };
}
