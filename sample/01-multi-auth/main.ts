import 'reflect-metadata';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { howToConnect } from './how-to-connect.js';
import { startIdentityProvider } from './identity-provider.js';
import { startMachineIssuer } from './machine-issuer.js';

const { PORT = 3000, IDP_PORT = 3001, MACHINE_ISSUER_PORT = 3002 } = process.env;
const dataFolder = process.env['DATA_FOLDER'] ?? join(import.meta.dirname, '../.data');
// What clients type; behind a tunnel or a proxy it is another one.
const baseUrl = process.env['BASE_URL'] ?? `http://127.0.0.1:${PORT}`;

// The neighbours: elsewhere these two are not yours to start.
const identityProvider = await startIdentityProvider({
  port: Number(IDP_PORT),
  folder: dataFolder,
  redirectUri: `${baseUrl}/auth/callback`,
});
const machineIssuer = await startMachineIssuer(Number(MACHINE_ISSUER_PORT), dataFolder);

const app = await NestFactory.create(
  AppModule.with({
    baseUrl,
    dataFolder: join(dataFolder, 'app'),
    identityProvider,
    machineIssuer: { issuer: machineIssuer.issuer, jwksUri: machineIssuer.jwksUri },
  }),
);
// MCP clients in browsers need to read these two.
app.enableCors({ exposedHeaders: ['WWW-Authenticate', 'Mcp-Session-Id'] });
app.enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');

const url = `${baseUrl}/mcp`;
console.log(howToConnect(url, await machineIssuer.token('nightly-job', url)));
