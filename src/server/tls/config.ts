import { z } from 'zod';
import { certificateName } from '../value-types/index.ts';

const certificate = z.strictObject({
  cert: z.string().describe('The PEM file of the certificate and its chain.'),
  key: z.string().describe('The PEM file of its private key.'),
  names: z
    .array(certificateName)
    .default([])
    .describe('Host names that it is used for; the first certificate is also used for all other names.'),
});

export const tls = z.array(certificate).default([]).describe('Certificates; their files are watched.');
export type CertificateConfig = z.output<typeof certificate>;
