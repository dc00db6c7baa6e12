/**
 * What the pages say to a person, in one language. Plain texts: they are escaped, and `{names}` in
 * braces stand for what is filled in.
 */
export interface PageMessages {
  /** The title of the consent page. `{client}`, `{server}` */
  readonly consentTitle: string;
  /** Stands for the name of an application that gave none. */
  readonly unnamedClient: string;
  /** Who is asked, where that is known, and the link to become somebody else. `{user}` */
  readonly loggedInAs: string;
  readonly switchUser: string;
  /** A badge beside a client that the operator configured, and what it means. */
  readonly knownClient: string;
  readonly knownClientNote: string;
  /** A badge beside a client that is known by the document it publishes. `{host}` */
  readonly publishedClient: string;
  readonly publishedClientNote: string;
  /** The warning beside a client that registered itself. */
  readonly unverifiedClient: string;
  readonly unverifiedClientNote: string;
  /** Before the address to which the answer goes. */
  readonly destination: string;
  /** After the address, where a program on the same machine listens. */
  readonly loopbackNote: string;
  /** After the custom scheme, which an installed app handles. */
  readonly appNote: string;
  /** The warning where a published client answers on loopback. `{host}` */
  readonly impersonationWarning: string;
  /** Above the list of scopes. */
  readonly scopesTitle: string;
  /** Instead of the list, where no scope is asked for. `{server}` */
  readonly noScopes: string;
  /** Where the consent will be remembered: in the browser, or for the user. */
  readonly rememberNote: string;
  readonly rememberForUserNote: string;
  /** The buttons; `allow` stands for `approve` where the user has logged in before. */
  readonly approve: string;
  readonly allow: string;
  readonly deny: string;
  /** The summary of the details, and the names of what is in them. */
  readonly details: string;
  readonly clientId: string;
  readonly clientWebsite: string;
  readonly resource: string;

  readonly unknownClientTitle: string;
  readonly unknownClientMessage: string;
  readonly unknownClientHint: string;

  readonly wrongRedirectUriTitle: string;
  readonly wrongRedirectUriMessage: string;
  readonly wrongRedirectUriHint: string;

  readonly expiredLoginTitle: string;
  readonly expiredLoginMessage: string;
  readonly expiredLoginHint: string;

  readonly foreignBrowserTitle: string;
  readonly foreignBrowserMessage: string;
  readonly foreignBrowserHint: string;

  readonly badFormTitle: string;
  readonly badFormMessage: string;
  readonly badFormHint: string;

  /** A request that is malformed. */
  readonly badRequestTitle: string;
  readonly badRequestMessage: string;
  readonly badRequestHint: string;

  /** Too many requests from one place. */
  readonly tooManyRequestsTitle: string;
  readonly tooManyRequestsMessage: string;
  readonly tooManyRequestsHint: string;

  /** Something this server needs does not answer. */
  readonly unavailableTitle: string;
  readonly unavailableMessage: string;
  readonly unavailableHint: string;

  /** A fault of this server. */
  readonly serverErrorTitle: string;
  readonly serverErrorMessage: string;
  readonly serverErrorHint: string;
}
