import { readFileSync, writeFileSync } from 'node:fs';
import { securityDocument, withTable } from './traceability.js';

writeFileSync(securityDocument, await withTable(readFileSync(securityDocument, 'utf8')));
