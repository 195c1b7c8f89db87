// Writes labextension/src/api/schema.ts from the OpenAPI file of the hub service.
// With --check it writes nothing, and fails when the file there is not what it would write.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const contract = resolve(root, 'hub_service/jupyterhub_vmshare/api/openapi.json');
const target = resolve(root, 'labextension/src/api/schema.ts');
const shown = 'labextension/src/api/schema.ts';

if (!existsSync(contract)) {
  console.log('There is no OpenAPI file yet, so there are no types to generate.');
  process.exit(0);
}

const header =
  '/* Generated from hub_service/jupyterhub_vmshare/api/openapi.json: `npm run generate:api`. */\n\n';
const text =
  header + astToString(await openapiTS(pathToFileURL(contract), { defaultNonNullable: false }));
const before = existsSync(target) ? readFileSync(target, 'utf8') : '';

if (before === text) {
  console.log(`${shown} agrees with the OpenAPI file.`);
} else if (process.argv.includes('--check')) {
  console.error(`${shown} is out of date: run "npm run generate:api" and commit it.`);
  process.exit(1);
} else {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  console.log(`${shown} was written.`);
}
