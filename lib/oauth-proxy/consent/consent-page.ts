import type { EndpointResponse } from '../../http/endpoint.js';
import { html, type SafeHtml } from '../../http/html.js';
import { renderPage } from '../../http/page.js';
import type { ResourceRegistry } from '../../resources/resource-registry.js';
import type { Client } from '../clients/client.js';
import { redirectTarget } from '../clients/redirect-uri.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';

/** What the page shows that the operator decides. */
export interface ConsentPageOptions {
  /** The name of the server for people. */
  readonly serverName: string;
  /** What a scope allows, in words; a scope without words is shown as it is. */
  readonly scopeDescriptions: Readonly<Record<string, string>>;
}

/** The page on which a user agrees to, or refuses, what an application asks for. */
export class ConsentPage {
  constructor(
    private readonly options: ConsentPageOptions,
    private readonly resources: ResourceRegistry,
  ) {}

  render(
    client: Client,
    request: AuthorizationRequest,
    form: { txn: string; csrf: string },
  ): EndpointResponse {
    const resource = this.resources.identifiedBy(request.resource);
    const server = resource?.displayName ?? this.options.serverName;
    const name = shortName(client);
    const { html: page, headers } = renderPage({
      title: `Connect ${name} to ${server}?`,
      language: 'en',
      body: html`<p class="muted">${server}</p>
        <h1>Connect ${name} to ${server}?</h1>
        ${origin(client)} ${destination(request.redirectUri)}
        <h2>It will be able to</h2>
        ${this.#scopes(request.scopes)}
        <form method="post">
          <input type="hidden" name="txn" value="${form.txn}" />
          <input type="hidden" name="csrf" value="${form.csrf}" />
          <div class="actions">
            <button class="secondary" name="action" value="deny">Cancel</button>
            <button class="primary" name="action" value="approve">Allow and log in</button>
          </div>
        </form>
        ${details(client, request)}`,
    });
    return { kind: 'page', status: 200, headers, html: page };
  }

  #scopes(scopes: readonly string[]): SafeHtml {
    if (scopes.length === 0) return html`<p>Use ${this.options.serverName} in your name.</p>`;
    return html`<ul>
      ${scopes.map((scope) => {
        const words = Object.hasOwn(this.options.scopeDescriptions, scope)
          ? this.options.scopeDescriptions[scope]
          : undefined;
        return words === undefined
          ? html`<li><code>${scope}</code></li>`
          : html`<li>${words} <code class="muted">${scope}</code></li>`;
      })}
    </ul>`;
  }
}

// A long name must not push what matters out of sight.
function shortName(client: Client): string {
  const name = client.name?.trim() || 'An application without a name';
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}

function origin(client: Client): SafeHtml {
  return client.origin === 'configured'
    ? html`<p>
        <span class="badge">Known application</span> Set up by the operator of this server.
      </p>`
    : html`<p class="notice warning">
        <b>Unverified application.</b> It chose its name itself. Go on only if you have just started
        this from an application you trust.
      </p>`;
}

function destination(redirectUri: string): SafeHtml {
  const { kind, name } = redirectTarget(redirectUri);
  return html`<dl class="facts">
    <dt>The answer goes to</dt>
    <dd><b>${name}</b>${note(kind)}<br /><code>${redirectUri}</code></dd>
  </dl>`;
}

function note(kind: ReturnType<typeof redirectTarget>['kind']): string {
  switch (kind) {
    case 'web':
      return '';
    case 'loopback':
      return ', a program on this computer. Which program that is cannot be checked.';
    case 'app':
      return ' links, which an app on this device opens. Which app that is cannot be checked.';
  }
}

function details(client: Client, request: AuthorizationRequest): SafeHtml {
  return html`<details>
    <summary>Details</summary>
    <dl class="facts">
      <dt>Application ID</dt>
      <dd><code>${client.id}</code></dd>
      ${
        client.uri === undefined
          ? []
          : html`<dt>Its website, as it says</dt>
              <dd><code>${client.uri}</code></dd>`
      }
      <dt>Server</dt>
      <dd><code>${request.resource}</code></dd>
    </dl>
  </details>`;
}
