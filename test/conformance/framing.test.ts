import { framing } from './cases/framing.ts';
import { conformance } from './conformance.ts';

conformance('framing', framing);
