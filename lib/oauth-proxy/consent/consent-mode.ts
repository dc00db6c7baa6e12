import type { ConfigurationIssue } from '../../common/errors.js';
import type { ClientIdMetadataDocumentOptions } from '../clients/client-id-metadata-document-options.js';
import type { Client } from '../clients/client.js';
import type { RegistrationOptions } from '../clients/registration-options.js';

/**
 * As `consent`: this server shows no page, because the upstream or something before it asks the user
 * which client may act for them. An upstream that knows this server as its one client does not.
 *
 * @deprecated Not because it will go away, but so that every use stands out.
 */
export const externalConsent: unique symbol = Symbol('multi-auth:external-consent');

/**
 * As `consent`: nobody asks the user. Whoever gets a browser to open a link of a known client obtains
 * what that client may have.
 *
 * @deprecated Not because it will go away, but so that every use stands out: only where the operator
 *   chose every client and answers for it.
 */
export const dangerouslyWithoutConsent: unique symbol = Symbol(
  'multi-auth:dangerously-without-consent',
);

/**
 * As `unconsentedClients`: clients that nobody vetted may log users in without their consent.
 *
 * @deprecated Not because it will go away, but so that every use stands out: it makes the server the
 *   confused deputy that the MCP specification warns of.
 */
export const dangerouslyTrustUnknownClients: unique symbol = Symbol(
  'multi-auth:dangerously-trust-unknown-clients',
);

/** Who asks the user, and how often. */
export type ConsentMode =
  'always' | 'remember' | typeof externalConsent | typeof dangerouslyWithoutConsent;

/** The options that decide who asks the user about which clients. */
export interface ConsentOptions {
  readonly consent?: ConsentMode | undefined;
  readonly unconsentedClients?: typeof dangerouslyTrustUnknownClients | undefined;
  readonly registration?: boolean | RegistrationOptions | undefined;
  readonly clientIdMetadataDocuments?: boolean | ClientIdMetadataDocumentOptions | undefined;
}

/** Why no page is shown; undefined when one is. */
export function pagelessBecause(mode: ConsentMode | undefined): 'external' | 'off' | undefined {
  if (mode === externalConsent) return 'external';
  return mode === dangerouslyWithoutConsent ? 'off' : undefined;
}

/**
 * Why the client needs no page; undefined when it does. One that registered itself while everyone
 * could is still unknown after that door was closed.
 */
export function pagelessFor(
  client: Pick<Client, 'origin' | 'vetted'>,
  { consent, unconsentedClients }: ConsentOptions,
): 'external' | 'off' | undefined {
  const isKnown = client.origin !== 'registered' || client.vetted === true;
  return isKnown || unconsentedClients === dangerouslyTrustUnknownClients
    ? pagelessBecause(consent)
    : undefined;
}

/** What is wrong with the consent mode, and with what it is combined with. */
export function consentModeIssues(options: ConsentOptions, path: string): ConfigurationIssue[] {
  const { consent, unconsentedClients } = options;
  const issues: ConfigurationIssue[] = [];
  const modes: unknown[] = ['always', 'remember', externalConsent, dangerouslyWithoutConsent];
  if (consent !== undefined && !modes.includes(consent)) {
    const problem =
      "must be 'always', 'remember', or one of the symbols externalConsent and dangerouslyWithoutConsent";
    issues.push({ path: `${path}.consent`, problem });
  }
  if (unconsentedClients !== undefined && unconsentedClients !== dangerouslyTrustUnknownClients) {
    const problem = 'must be the symbol dangerouslyTrustUnknownClients';
    issues.push({ path: `${path}.unconsentedClients`, problem });
  }
  const acknowledged = unconsentedClients === dangerouslyTrustUnknownClients;
  if (pagelessBecause(consent) && !acknowledged) {
    for (const name of openDoors(options)) {
      const problem =
        `must not be open to clients nobody vetted while no consent is asked: limit it, or set ` +
        `unconsentedClients to the symbol dangerouslyTrustUnknownClients`;
      issues.push({ path: `${path}.${name}`, problem });
    }
  }
  return issues;
}

/** What the operator should read at the start; undefined when a page is shown. */
export function consentModeWarning(options: ConsentOptions): string | undefined {
  const why = pagelessBecause(options.consent);
  if (!why) return undefined;
  const who = openDoors(options).length > 0 ? 'any client' : 'a client';
  return why === 'external'
    ? `no consent page is shown: something else must ask before ${who} is logged in`
    : `no consent is asked: ${who} is logged in by whoever opens its link`;
}

/** The options by which clients get in that the operator does not know. */
function openDoors({
  registration = true,
  clientIdMetadataDocuments: documents = true,
}: ConsentOptions): readonly ('registration' | 'clientIdMetadataDocuments')[] {
  const limited = (value: unknown, limit: string): boolean =>
    value === false || (value as Record<string, unknown>)[limit] !== undefined;
  return [
    ...(limited(registration, 'initialAccessTokens') ? [] : (['registration'] as const)),
    ...(limited(documents, 'allowedHosts') ? [] : (['clientIdMetadataDocuments'] as const)),
  ];
}
