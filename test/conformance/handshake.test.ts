import { handshake } from './cases/handshake.ts';
import { negotiation } from './cases/negotiation.ts';
import { conformance } from './conformance.ts';

conformance('the opening handshake', [...handshake, ...negotiation]);
