/** `node dist/workspace/write-json-schemas.js`: writes the JSON Schemas into src/workspace/schemas, after a definition changed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchemas } from './json-schemas.ts';

const directory = fileURLToPath(new URL('../../src/workspace/schemas/', import.meta.url));
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries(jsonSchemas())) writeFileSync(directory + name, text);
