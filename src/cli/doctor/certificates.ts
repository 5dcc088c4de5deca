import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateConfig, Config } from '../../server/config/index.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const DAY = 86_400_000;
/** Let's Encrypt's clients renew 30 days before expiry: with less than half of that left, the renewal does not work. */
const SOON = 14 * DAY;

/** Checks whether the files belong together, when they expire, their names, and whether the chain is complete. */
export function lookAtCertificates({ tls }: Pick<Config, 'tls'>, now = Date.now()): Finding[] {
  return tls.flatMap((files) => lookAt(files, now));
}

function lookAt({ cert, key, names }: CertificateConfig, now: number): Finding[] {
  const about = 'certificate';
  let chain: X509Certificate[];
  try {
    const pem = readFileSync(cert, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    chain = pem.map((text) => new X509Certificate(text));
  } catch (error) {
    return [problem(about, `${cert} cannot be read: ${(error as Error).message}`, 'give a certificate in PEM form')];
  }
  const [own] = chain;
  if (!own) return [problem(about, `${cert} has no certificate in it`, 'give a certificate in PEM form')];

  const findings: Finding[] = [];
  try {
    if (!own.checkPrivateKey(createPrivateKey(readFileSync(key, 'utf8'))))
      findings.push(problem(about, `${key} is not the key of ${cert}`, 'give the two files that were made together'));
  } catch (error) {
    findings.push(
      problem(about, `${key} is not a private key: ${(error as Error).message}`, 'give the key in PEM form'),
    );
  }
  const [from, to] = [Date.parse(own.validFrom), Date.parse(own.validTo)];
  if (to < now) findings.push(problem(about, `${cert} has expired on ${own.validTo}`, 'renew it'));
  else if (from > now) findings.push(problem(about, `${cert} is not valid before ${own.validFrom}`, 'check the clock'));
  else if (to - now < SOON)
    findings.push(
      warning(
        about,
        `${cert} expires on ${own.validTo}`,
        'renew it; the daemon then uses the new one without a restart',
      ),
    );
  for (const name of names)
    if (!name.startsWith('*') && own.checkHost(name) === undefined)
      findings.push(problem(about, `${cert} is not for ${name}`, `it is for ${own.subjectAltName ?? own.subject}`));
  if (own.checkIssued(own))
    findings.push(
      warning(about, `${cert} is self-signed: browsers refuse it`, "get one of an authority: Let's Encrypt"),
    );
  else if (!chain.slice(1).some((next) => own.checkIssued(next)))
    findings.push(
      warning(
        about,
        `${cert} lacks the certificate of its issuer`,
        'take the file with the whole chain (fullchain.pem)',
      ),
    );
  return findings.length > 0 ? findings : [ok(about, `${cert} is valid until ${own.validTo}`)];
}
