/**
 * What the guard costs a request: the same handler of one Nest app on Express, unguarded and behind
 * each kind of source, measured side by side in rounds. Prints ratios; nothing leaves loopback.
 *
 * Run: npm run bench
 */
import 'reflect-metadata';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { JwtVerifier, McpAuth, MultiAuthModule, StaticTokenVerifier } from 'nestjs-mcp-multi-auth';

const rounds = 7;
const requestsPerRound = 3000;
const concurrency = 20;
const issuer = 'https://issuer.example';

@Controller('open')
class OpenController {
  @Get()
  answer(): object {
    return { ok: true };
  }
}

@Controller('guarded')
@McpAuth()
class GuardedController extends OpenController {}

async function main(): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwt = await new SignJWT({ scope: 'mcp:use' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(issuer)
    .setAudience('mcp')
    .setSubject('bench')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  const opaque = 'static-token-of-the-benchmark';
  const publicJwk = await exportJWK(publicKey);

  @Module({
    imports: [
      MultiAuthModule.forRoot({
        verifiers: [
          new JwtVerifier({ publicKey: publicJwk, issuer, audience: 'mcp', algorithms: ['ES256'] }),
          new StaticTokenVerifier({ tokens: { [opaque]: { clientId: 'bench', scopes: [] } } }),
        ],
      }),
    ],
    controllers: [OpenController, GuardedController],
  })
  class BenchModule {}

  const app = await NestFactory.create(BenchModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const contenders: Record<string, { path: string; token?: string; status: number }> = {
    unguarded: { path: '/open', status: 200 },
    'static token': { path: '/guarded', token: opaque, status: 200 },
    'ES256 JWT': { path: '/guarded', token: jwt, status: 200 },
    'no token (401)': { path: '/guarded', status: 401 },
    'unknown token (401)': { path: '/guarded', token: 'nobody-knows-this-token', status: 401 },
  };
  const times = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const elapsed = await measure(port, contender);
      // The first round warms up.
      if (round > 0) times.get(name)?.push(elapsed);
    }
  }
  const base = median(times.get('unguarded') ?? []);
  for (const [name, elapsed] of times) {
    const ratio = (median(elapsed) / base).toFixed(2);
    const spread = elapsed.map((t) => (t / base).toFixed(2)).sort();
    console.log(`${name.padEnd(22)} ${ratio} x unguarded   (${spread[0]} … ${spread.at(-1)})`);
  }
  await app.close();
}

async function measure(
  port: number,
  { path, token, status }: { path: string; token?: string; status: number },
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let left = requestsPerRound;
  const begun = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await send({ agent, port, path, headers, host: '127.0.0.1' }, status);
    }),
  );
  agent.destroy();
  return Number(process.hrtime.bigint() - begun);
}

function send(options: object, status: number): Promise<void> {
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      if (response.statusCode !== status) reject(new Error(`status ${response.statusCode}`));
      response.resume().on('end', resolve);
    })
      .on('error', reject)
      .end();
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await main();
