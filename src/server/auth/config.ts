import { z } from 'zod';
import { duration, durationOf, secretText, text, webAddress } from '../value-types/index.ts';
import { isPassedOn, OWN_HEADERS } from './passed-headers.ts';

export const secret = secretText
  .optional()
  .describe('Signs the tokens of zocalo token and of logins (HS256); your application may sign with it too.');

const jwt = z.strictObject({
  publicKey: z.string().optional().describe('The PEM text of the public key, or the path of its file.'),
  jwks: webAddress.optional().describe('Where the public keys are published (RFC 7517).'),
  algorithms: z
    .array(z.enum(['HS256', 'RS256', 'ES256', 'EdDSA']))
    .optional()
    .describe('The algorithms to accept. Default: those that fit the key.'),
  issuer: z.string().optional().describe('The claim iss must be this.'),
  audience: z.string().optional().describe('The claim aud must have this.'),
  leeway: duration.prefault('5s').describe('How far clocks may differ.'),
});

const login = z.strictObject({
  users: z.string().default('zocalo-users.db').describe('The SQLite file with the users table; see zocalo users.'),
  session: durationOf({ least: '1s' })
    .prefault('12h')
    .describe('How long the session token that a login gives is good.'),
  timeLimit: durationOf({ least: '10ms' }).prefault('5s').describe('How long the check of a password may take.'),
});

const hook = z.strictObject({
  url: webAddress.describe('Is called with the handshake of each visitor, and answers who they are.'),
  headers: z
    .array(text(isPassedOn, `a header that can be passed on, none of ${OWN_HEADERS.join(', ')}`))
    .default(['cookie', 'authorization'])
    .describe('Headers of the handshake that are passed on.'),
  // fetch itself waits five minutes.
  timeout: durationOf({ least: '10ms', most: '5m' })
    .prefault('3s')
    .describe('How long the answer may take; later, the visitor is asked to come back.'),
});

export const auth = z
  .strictObject({
    anonymous: z.boolean().default(true).describe('Whether visitors without a token may come in.'),
    jwt: jwt.optional().describe('Tokens that somebody else signs.'),
    login: login.optional().describe('User and password, checked against a table.'),
    hook: hook.optional().describe('Your application says who a visitor is, by their cookies.'),
  })
  .prefault({})
  .describe('Who may come in.');
export type JwtConfig = z.output<typeof jwt>;
export type LoginConfig = z.output<typeof login>;
export type HookConfig = z.output<typeof hook>;
