import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { JWTPayload } from 'jose';
import { ZocaloError } from '../../errors.ts';
import type { Identity, Rights } from '../../hub/index.ts';
import { LIMITS, ProtocolError, type Reason } from '../../protocol/index.ts';
import type { JwtConfig } from '../config/index.ts';
import { formatGrants, parseGrants } from './grant-strings.ts';
import { jwksKeys, type Keys } from './jwks.ts';
import { isUserId } from './user-id.ts';

/** Why a token is refused. The message quotes nothing from the token, and no secret. */
export class TokenRefused extends Error {
  readonly reason: Extract<Reason, `TOKEN_${string}`>;

  constructor(message: string, reason: TokenRefused['reason'] = 'TOKEN_INVALID') {
    super(message);
    this.reason = reason;
  }
}

/** The contents of a verified token. */
export interface Verified {
  readonly user: string;
  readonly identity: Identity;
  /** When it was issued, if it says so: milliseconds since 1970, by a clock that may differ from ours by `leeway`. */
  readonly issued: number | undefined;
  readonly leeway: number;
}

export interface TokensOptions {
  readonly secret: string | undefined;
  readonly jwt: JwtConfig | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly fetch: typeof fetch;
}

/** The contents of a token that the daemon makes. */
export interface TokenClaims {
  readonly user: string;
  readonly rights?: Rights | undefined;
  /** Milliseconds; without it, it never expires. */
  readonly expiresIn?: number | undefined;
  /** For one of the daemon's own tools, not for a user of the application. */
  readonly isInternal?: boolean;
}

/** Tokens of other issuers: how they may be signed, and their keys. */
interface Foreign {
  readonly algorithms: readonly string[];
  readonly keys: Keys;
}

/** Milliseconds by which our clock may have been set back since it made a token. */
const OWN_LEEWAY = 5_000;
/** The issuer of the daemon's own tokens. They are dated by the same clock as revocations. */
const OURS = 'zocalo';
/** RFC 7518 §3.3: smaller keys must not be used. */
const RSA_BITS = 2_048;

const SENTENCES: Readonly<Record<string, string>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature does not fit',
  ERR_JOSE_ALG_NOT_ALLOWED: 'it is signed by an algorithm that is not accepted here',
  ERR_JWKS_NO_MATCHING_KEY: 'no published key is the one that it names',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'it does not name one of the published keys',
};

const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'it is from another issuer',
  aud: 'it is for another audience',
  nbf: 'it is not yet valid',
};

/**
 * Makes and checks tokens: JWTs (RFC 7519). HS256 is for `secret` alone, and the other algorithms are for the keys of
 * `jwt` alone, so that a public key is never used as a shared secret (RFC 8725 §3.1).
 */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #secret: Uint8Array | undefined;
  #foreign: Foreign | undefined;

  constructor(options: TokensOptions) {
    this.#options = options;
    this.#secret = options.secret === undefined ? undefined : Buffer.from(options.secret);
  }

  /** Whether a token claims, unverified, to be made by `mint`. */
  async claimsToBeOwn(token: string): Promise<boolean> {
    if (!this.#secret) return false;
    const { decodeJwt } = await import('jose');
    try {
      return decodeJwt(token).iss === OURS;
    } catch {
      return false;
    }
  }

  /** Reads the public key. @throws ZocaloError BAD_OPTION. */
  async open(): Promise<void> {
    const { jwt, fetch, now } = this.#options;
    if (!jwt) return;
    if ((jwt.publicKey === undefined) === (jwt.jwks === undefined))
      throw new ZocaloError('BAD_OPTION', 'auth.jwt must have one of publicKey and jwks');
    if (jwt.jwks !== undefined) {
      const algorithms = (jwt.algorithms ?? ['RS256', 'ES256', 'EdDSA']).filter((name) => name !== 'HS256');
      this.#foreign = { algorithms, keys: jwksKeys(new URL(jwt.jwks), fetch, now) };
      return;
    }
    const [key, algorithm] = await readPublicKey(jwt.publicKey!);
    if (jwt.algorithms && !(jwt.algorithms as readonly string[]).includes(algorithm))
      throw new ZocaloError(
        'BAD_OPTION',
        `auth.jwt.publicKey is for ${algorithm}, which auth.jwt.algorithms leaves out`,
      );
    this.#foreign = { algorithms: [algorithm], keys: async () => key };
  }

  /** Signs a token. @throws ZocaloError BAD_OPTION without `secret`. */
  async mint(claims: TokenClaims): Promise<string> {
    if (!this.#secret)
      throw new ZocaloError('BAD_OPTION', 'tokens need the key `secret` in the configuration', {
        advice: 'add one of 32 characters or more; zocalo init makes one',
      });
    const { SignJWT } = await import('jose');
    const { user, rights, expiresIn, isInternal } = claims;
    // With milliseconds, so that a token made right after a revocation counts as newer.
    const iat = this.#options.now() / 1_000;
    return new SignJWT({
      iss: OURS,
      sub: user,
      iat,
      ...(expiresIn !== undefined && { exp: iat + expiresIn / 1_000 }),
      ...(rights && { can: formatGrants(rights) }),
      ...(isInternal && { internal: true }),
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(this.#secret);
  }

  /** @throws TokenRefused; ProtocolError UNAVAILABLE when the published keys cannot be fetched. */
  async verify(token: string): Promise<Verified> {
    if (token.length > LIMITS.token) throw new TokenRefused(`it has more than ${LIMITS.token} characters`);
    const { now, jwt } = this.#options;
    const { decodeProtectedHeader, jwtVerify, errors } = await import('jose');
    try {
      const isOwn = decodeProtectedHeader(token).alg === 'HS256';
      const keys = isOwn ? this.#secret && (async () => this.#secret!) : this.#foreign?.keys;
      if (!keys) throw new TokenRefused(SENTENCES.ERR_JOSE_ALG_NOT_ALLOWED!);
      const leeway = isOwn ? OWN_LEEWAY : jwt!.leeway;
      const { payload } = await jwtVerify(token, keys, {
        algorithms: isOwn ? ['HS256'] : [...this.#foreign!.algorithms],
        clockTolerance: leeway / 1_000,
        currentDate: new Date(now()),
        ...(!isOwn && jwt!.issuer !== undefined && { issuer: jwt!.issuer }),
        ...(!isOwn && jwt!.audience !== undefined && { audience: jwt!.audience }),
      });
      return read(payload, now(), leeway, isOwn);
    } catch (error) {
      if (error instanceof TokenRefused || error instanceof ProtocolError) throw error;
      if (error instanceof errors.JWTExpired) throw new TokenRefused('it has expired', 'TOKEN_EXPIRED');
      if (error instanceof errors.JWTClaimValidationFailed)
        throw new TokenRefused(CLAIMS[error.claim] ?? 'a claim is wrong');
      throw new TokenRefused(SENTENCES[(error as { code?: string }).code ?? ''] ?? 'it is not a well-formed token');
    }
  }
}

function read(payload: JWTPayload, now: number, leeway: number, isOwn: boolean): Verified {
  const { iss, sub, exp, iat, can, data, name } = payload;
  // RFC 7519 §4.1.2. A long number may have lost digits already: two people could get the same id.
  if (typeof sub === 'number') throw new TokenRefused('its claim sub is a number: write it as a text');
  if (typeof sub !== 'string' || sub === '') throw new TokenRefused('it has no claim sub, the user');
  if (sub.length > LIMITS.channel) throw new TokenRefused(`its claim sub has more than ${LIMITS.channel} characters`);
  if (!isUserId(sub))
    throw new TokenRefused('its claim sub has control characters, halves of characters, or nothing but dots');
  // Otherwise a token could be dated after every future revocation.
  if (iat !== undefined && iat * 1_000 > now + leeway) throw new TokenRefused('it was issued in the future');
  let rights: Rights | undefined;
  try {
    // Null is no list either: only a token without the claim leaves the decision to the channels.
    rights = parseGrants(can === null ? 'null' : can);
  } catch (error) {
    throw new TokenRefused(`its claim ${(error as Error).message}`);
  }
  const about = data ?? (typeof name === 'string' ? { name } : undefined);
  return {
    user: sub,
    issued: iat === undefined ? undefined : iat * 1_000,
    leeway: isOwn && iss === OURS ? 0 : leeway,
    identity: {
      user: sub,
      ...(about !== undefined && { data: about }),
      ...(rights && { rights }),
      ...(isOwn && iss === OURS && payload.internal === true && { isInternal: true }),
      ...(exp !== undefined && { expiresIn: Math.max(0, exp * 1_000 - now) }),
    },
  };
}

async function readPublicKey(textOrFile: string): Promise<[KeyObject, string]> {
  const bad = (what: string, cause?: unknown) =>
    new ZocaloError('BAD_OPTION', `auth.jwt.publicKey ${what}`, {
      advice: 'give the PEM text of an RSA, P-256 or Ed25519 public key, or the path of its file',
      cause,
    });
  let pem = textOrFile;
  if (!pem.includes('-----BEGIN')) {
    pem = await readFile(textOrFile, 'utf8').catch((cause) => {
      throw bad(`cannot be read from ${textOrFile}`, cause);
    });
  }
  if (pem.includes('PRIVATE KEY')) throw bad('is a private key, which must not be stored here');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw bad('is not a public key in PEM form', cause);
  }
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return [key, 'EdDSA'];
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return [key, 'ES256'];
  if (key.asymmetricKeyType !== 'rsa') throw bad('is of a kind that is not accepted');
  if (modulusLength! < RSA_BITS) throw bad(`has ${modulusLength} bits, and must have ${RSA_BITS}`);
  return [key, 'RS256'];
}
