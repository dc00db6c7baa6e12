import type { PageMessages } from './page-messages.js';

/** The built-in language, and what stands in for every text another one lacks. */
export const english = {
  consentTitle: 'Connect {client} to {server}?',
  unnamedClient: 'An application without a name',
  loggedInAs: 'You are logged in as {user}.',
  switchUser: 'Use another account',
  knownClient: 'Known application',
  knownClientNote: 'Set up by the operator of this server.',
  publishedClient: 'Published by {host}',
  publishedClientNote: 'That address was verified; the name is what the application calls itself.',
  unverifiedClient: 'Unverified application.',
  unverifiedClientNote:
    'It chose its name itself. Go on only if you have just started this from an application you trust.',
  destination: 'The answer goes to',
  loopbackNote: 'A program on this computer. Which program that is cannot be checked.',
  appNote: 'Links that an app on this device opens. Which app that is cannot be checked.',
  impersonationWarning:
    'Any program on this computer can claim to be the application of {host}. Go on only if you have just started it yourself.',
  scopesTitle: 'It will be able to',
  noScopes: 'Use {server} in your name.',
  rememberNote:
    'If you allow it, this browser remembers that for a while. Cancel makes it forget again.',
  rememberForUserNote:
    'If you allow it, that is remembered for a while. Cancel makes it forget again.',
  approve: 'Allow and log in',
  allow: 'Allow',
  deny: 'Cancel',
  details: 'Details',
  clientId: 'Application ID',
  clientWebsite: 'Its website, as it says',
  resource: 'Server',

  unknownClientTitle: 'This application is not known here',
  unknownClientMessage:
    'The application that sent you is not registered with this server, or what it publishes about itself cannot be used right now.',
  unknownClientHint:
    'Try again. If that does not help, remove this server from the application and add it again; it then registers anew.',

  wrongRedirectUriTitle: 'This request cannot be answered',
  wrongRedirectUriMessage:
    'The application asks for the answer to be sent to an address that it did not register.',
  wrongRedirectUriHint:
    'Nothing was shared. Close this page, and tell the maker of the application if it happens again.',

  expiredLoginTitle: 'This login is over',
  expiredLoginMessage: 'It was already answered, or it waited too long.',
  expiredLoginHint: 'Go back to your application and connect again.',

  foreignBrowserTitle: 'This login was begun elsewhere',
  foreignBrowserMessage:
    'A login must be finished in the browser in which it was begun. Perhaps somebody sent you a link to theirs.',
  foreignBrowserHint:
    'Nothing was shared. If it was you, go back to your application and connect again; cookies must be allowed.',

  badFormTitle: 'This answer cannot be used',
  badFormMessage: 'The form that was sent is not the one that this server showed.',
  badFormHint: 'Go back to your application and connect again.',

  badRequestTitle: 'This request cannot be completed',
  badRequestMessage: 'The application sent you here with a request that this server cannot read.',
  badRequestHint: 'Close this window and start again from the application.',

  tooManyRequestsTitle: 'Too many requests',
  tooManyRequestsMessage: 'There were too many logins from your network in a short time.',
  tooManyRequestsHint: 'Please wait a few minutes and try again.',

  unavailableTitle: 'Something went wrong',
  unavailableMessage: 'The service cannot answer right now.',
  unavailableHint: 'Please try again in a few seconds.',

  serverErrorTitle: 'Something went wrong',
  serverErrorMessage: 'The server could not complete the request.',
  serverErrorHint: 'Close this window and start again from the application.',
} as const satisfies PageMessages;
