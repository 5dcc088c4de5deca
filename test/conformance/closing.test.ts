import { closingHandshake } from './cases/closing.ts';
import { conformance } from './conformance.ts';

conformance('closing', closingHandshake);
