import { createHmac } from 'node:crypto';

/**
 * The header `X-Zocalo-Signature`: `t=<seconds since 1970>,v1=<hex>`, where v1 is the HMAC-SHA256 of `t`, a dot and the
 * body. By the time, a receiver can refuse a replayed call.
 */
export function signatureOf(secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}
