export { type ApiCaller, ApiKeys } from './api-keys.ts';
export { Auth, type AuthConfig, type AuthOptions } from './auth.ts';
export { canOf, rightsOf } from './can.ts';
export { type AddressOf, bearerOf } from './credentials.ts';
export type { Session } from './login.ts';
export { permission } from './permission.ts';
export { type TokenClaims, TokenRefused, Tokens } from './tokens.ts';
export { type UserRow, Users, type UsersOptions } from './users.ts';
