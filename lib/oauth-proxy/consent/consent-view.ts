import type { ResourceRegistry } from '../../resources/resource-registry.js';
import type { Client } from '../clients/client.js';
import { redirectTarget } from '../clients/redirect-uri.js';
import type { LocalizedText, Messages } from '../pages/message-catalogue.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';

/**
 * Everything a consent page shows. Much of it was written by the client: a page of your own must
 * escape it all, and has to show who asks, where the answer goes, for what, and who is asked.
 */
export interface ConsentView {
  /** The language and direction that suit the user (BCP 47). */
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  readonly server: {
    readonly name: string;
    /** The identifier of the resource that the tokens will be for. */
    readonly resource: string;
    /** The option `icon`. */
    readonly icon?: string;
  };
  readonly client: {
    readonly id: string;
    /** What it calls itself. Nobody checked it. */
    readonly name?: string;
    /** Its website, as it says: https, or absent. */
    readonly website?: string;
    /** Where it is known from. A registered one was verified by nobody. */
    readonly origin: Client['origin'];
    /** The host of the document that describes it: the one thing about it that was verified. */
    readonly publishedBy?: string;
  };
  readonly redirect: {
    readonly uri: string;
    /** A website, a program on the user's machine, or an app that handles a scheme. */
    readonly kind: 'web' | 'loopback' | 'app';
    /** The host, or the scheme with its colon. */
    readonly name: string;
  };
  readonly scopes: readonly { readonly scope: string; readonly description?: string }[];
  /** Who is asked, and where they can log in as somebody else; absent where users log in later. */
  readonly user?: { readonly name: string; readonly switchUrl?: string | undefined };
  /** Whether the answer will be remembered: in this browser, or for the user who is asked. */
  readonly remembered: boolean;
  /**
   * What a form must post, urlencoded, to the page's own URL, together with an `action` of `approve`
   * or `deny`.
   */
  readonly form: { readonly txn: string; readonly csrf: string };
}

/** What is asked, of whom, and what goes into the form. */
export interface ConsentQuestion {
  readonly client: Client;
  readonly request: AuthorizationRequest;
  readonly remembered: boolean;
  readonly user?: ConsentView['user'];
  readonly form: ConsentView['form'];
}

/** What a view shows that the operator decides. */
export interface ConsentViewOptions {
  /** The name of the server for people. */
  readonly serverName: string;
  /** What a scope allows, in words; a scope without words is shown as it is. */
  readonly scopeDescriptions: Readonly<Record<string, LocalizedText>>;
  readonly icon?: string | undefined;
  readonly resources: ResourceRegistry;
}

export function consentView(
  { client, request, remembered, user, form }: ConsentQuestion,
  messages: Messages,
  options: ConsentViewOptions,
): ConsentView {
  const resource = options.resources.identifiedBy(request.resource);
  const name = client.name?.trim();
  return {
    language: messages.language,
    direction: messages.direction,
    server: {
      name: resource?.displayName ?? options.serverName,
      resource: request.resource,
      ...(options.icon !== undefined && { icon: options.icon }),
    },
    client: {
      id: client.id,
      origin: client.origin,
      ...(name && { name }),
      ...(isWebsite(client.uri) && { website: client.uri }),
      ...(client.origin === 'metadata_document' && { publishedBy: new URL(client.id).host }),
    },
    redirect: { uri: request.redirectUri, ...redirectTarget(request.redirectUri) },
    scopes: request.scopes.map((scope) => {
      const { scopeDescriptions: words } = options;
      const text = Object.hasOwn(words, scope) ? words[scope] : undefined;
      const description = messages.localized(text);
      return { scope, ...(description !== undefined && { description }) };
    }),
    ...(user && { user }),
    remembered,
    form,
  };
}

function isWebsite(uri: string | undefined): uri is string {
  return uri !== undefined && /^https:\/\//i.test(uri) && URL.canParse(uri);
}
