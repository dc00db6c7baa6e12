import type { ConfigurationIssue } from '../common/errors.js';
import { isText, unknownOptionIssues } from '../common/option-issues.js';
import { constantTimeEqual } from '../crypto/constant-time.js';
import { hashSecret, readSecretHash } from '../crypto/hash.js';
import { randomToken } from '../crypto/random.js';
import { weaknessOf } from '../crypto/weak-secret.js';
import type { EndpointRequest } from '../http/endpoint.js';
import type { Parameters } from '../http/parameters.js';
import type { ResourceRegistry } from '../resources/resource-registry.js';
import type { AuthenticationFailures } from './clients/client-authenticator.js';
import { invalidClient, readClientCredentials } from './clients/client-credentials.js';

/** A resource server that may ask at `/introspect` what a token is worth (RFC 7662). */
export interface IntrospectionClient {
  /** The name by which it authenticates. */
  readonly id: string;
  /** Its secret: at least 32 random bytes. Only the hash is kept. */
  readonly secret?: string | undefined;
  /** The SHA-256 of such a secret instead, in hexadecimal or base64url, as `sha256sum` prints it. */
  readonly secretHash?: string | undefined;
  /**
   * The names of the resources whose tokens it may ask about; all others are inactive to it.
   * @default every resource of the module
   */
  readonly resources?: readonly string[] | undefined;
}

const known: readonly (keyof IntrospectionClient)[] = ['id', 'resources', 'secret', 'secretHash'];
// What an unknown client's secret is compared with, so that it costs what a known one's does.
const nobodysHash = hashSecret(randomToken());

/** What is wrong with the clients. Issues name options, never values. */
export function introspectionClientIssues(
  given: unknown,
  resources: ResourceRegistry,
  path: string,
): ConfigurationIssue[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return [{ path, problem: 'must be a list of clients' }];
  return given.flatMap((client: IntrospectionClient | null, index) => {
    const at = `${path}[${index}]`;
    if (typeof client !== 'object' || client === null) {
      return [{ path: at, problem: 'must be { id, secret } or { id, secretHash }' }];
    }
    const issues = [...unknownOptionIssues(at, client, known), ...secretIssues(client, at)];
    const twin = given.findIndex((other: IntrospectionClient | null) => other?.id === client.id);
    if (!isText(client.id)) issues.push({ path: `${at}.id`, problem: 'must be a text' });
    else if (twin < index) issues.push({ path: `${at}.id`, problem: 'is repeated' });
    return [...issues, ...resourceIssues(client.resources, resources, `${at}.resources`)];
  });
}

function secretIssues({ secret, secretHash }: IntrospectionClient, at: string) {
  if ((secret === undefined) === (secretHash === undefined)) {
    return [{ path: `${at}.secret`, problem: 'or secretHash is needed, and not both' }];
  }
  const weakness = secret === undefined ? undefined : weaknessOf(secret);
  if (weakness !== undefined) return [{ path: `${at}.secret`, problem: weakness }];
  if (secretHash === undefined || readSecretHash(secretHash) !== undefined) return [];
  const problem = 'must be a SHA-256 in hexadecimal or base64url';
  return [{ path: `${at}.secretHash`, problem }];
}

function resourceIssues(names: unknown, resources: ResourceRegistry, path: string) {
  if (names === undefined) return [];
  const isKnown = (name: unknown): boolean =>
    typeof name === 'string' && resources.named(name) !== undefined;
  if (Array.isArray(names) && names.length > 0 && names.every(isKnown)) return [];
  return [{ path, problem: "must be a list of names of the module's resources" }];
}

interface KnownClient {
  readonly secretHash: string;
  /** The identifiers of the resources it may ask about. */
  readonly resources: ReadonlySet<string>;
}

/** The resource servers that may ask, and about what. */
export class IntrospectionClients {
  readonly #known: ReadonlyMap<string, KnownClient>;

  constructor(
    given: readonly IntrospectionClient[],
    resources: ResourceRegistry,
    private readonly failures: AuthenticationFailures,
  ) {
    this.#known = new Map(
      given.map(({ id, secret, secretHash, resources: names }) => {
        const hash = secret === undefined ? readSecretHash(secretHash) : hashSecret(secret);
        const named = resources.all.filter(({ name }) => names?.includes(name) ?? true);
        const identifiers = new Set(named.map(({ identifier }) => identifier));
        return [id, { secretHash: hash ?? nobodysHash, resources: identifiers }];
      }),
    );
  }

  /**
   * The identifiers of the resources that the sender may ask about.
   * @throws OAuthError `invalid_client` for every sender that is none of these
   * @see RFC 7662 §2.1, §2.3
   */
  async authenticate(request: EndpointRequest, form: Parameters): Promise<ReadonlySet<string>> {
    const isInForm = form.get('client_id') !== undefined && form.get('client_secret') !== undefined;
    if (request.headers['authorization'] === undefined && !isInForm) throw invalidClient('form');
    const { method, readings } = readClientCredentials(request, form);
    const tried = [...new Set(readings.map(({ id }) => id))].filter((id) => this.#known.has(id));
    for (const id of tried) await this.failures.assertAllowed(id, request);
    for (const { id, secret = '' } of readings) {
      const client = this.#known.get(id);
      const isRight = constantTimeEqual(hashSecret(secret), client?.secretHash ?? nobodysHash);
      if (client && isRight) return client.resources;
    }
    for (const id of tried) await this.failures.record(id, request);
    throw invalidClient(method === 'client_secret_basic' ? 'basic' : 'form');
  }
}
