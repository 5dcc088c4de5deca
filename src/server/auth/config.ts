import { z } from 'zod';
import { databaseName, tableText } from '../databases/index.ts';
import { duration, durationOf, secretText, text, webAddress } from '../value-types/index.ts';

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
  audience: z.string().optional().describe('The claim aud must contain this.'),
  leeway: duration.prefault('5s').describe('How much the clocks may differ.'),
});

const column = text((name) => /^\P{Cc}{1,64}$/u.test(name), 'the name of a column');

const usersFile = text((file) => !/^\w{2,}:/.test(file), 'a file, or a map with database, table and columns');

const usersDatabase = z.strictObject({
  database: databaseName.describe(
    "The application's database, which is only read: its name in databases, or its address.",
  ),
  table: tableText.describe('Its table or view with the users.'),
  columns: z
    .strictObject({
      name: column.describe('What users type as their name, for example email.'),
      password: column.default('password').describe('Hashes as PHP’s password_hash and Laravel write them.'),
      user: column.optional().describe('Who the user then is here, for example id. Default: the column `name`.'),
      can: column.optional().describe('Rights, as JSON: ["sub:chat:*"].'),
      disabled: column.optional().describe('Who has another value here than NULL, 0 or false cannot log in.'),
    })
    .describe('The names of its columns.'),
});

const login = z.strictObject({
  users: z
    .union([usersFile, usersDatabase])
    .default('zocalo-users.db')
    .describe('The SQLite file with the users table, see zocalo users; or the table of an application.'),
  session: durationOf({ least: '1s' }).prefault('12h').describe('How long the session token of a login is valid.'),
  timeLimit: durationOf({ least: '10ms' }).prefault('5s').describe('How long the check of a password may take.'),
});

export const auth = z
  .strictObject({
    anonymous: z.boolean().default(true).describe('Whether visitors without a token may come in.'),
    jwt: jwt.optional().describe('Tokens that another program signs.'),
    login: login.optional().describe('User and password, checked against a table.'),
  })
  .prefault({})
  .describe('Who may come in.');
export type JwtConfig = z.output<typeof jwt>;
export type UsersDatabase = z.output<typeof usersDatabase>;
export type LoginConfig = z.output<typeof login>;
