import { utf8 } from './cases/utf8.ts';
import { conformance } from './conformance.ts';

conformance('UTF-8', utf8);
