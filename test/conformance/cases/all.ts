import { beyond } from './beyond.ts';
import { big } from './big.ts';
import { closingHandshake } from './closing.ts';
import { kinds, parameters } from './compression.ts';
import { framing } from './framing.ts';
import { handshake } from './handshake.ts';
import { negotiation } from './negotiation.ts';
import { utf8 } from './utf8.ts';

/** The cases of the Autobahn test suite. */
export const ORIGINAL = [...framing, ...utf8, ...closingHandshake, ...big, ...kinds, ...parameters];
/** This suite's own. */
export const OWN = [...beyond, ...handshake, ...negotiation];
