import { html, type SafeHtml } from '../../http/html.js';
import type { Messages } from '../pages/message-catalogue.js';
import type { ConsentView } from './consent-view.js';

/** The name of the client, short: a long one must not push what matters out of sight. */
export function shortName({ client }: ConsentView, messages: Messages): string {
  const name = client.name ?? messages.text('unnamedClient');
  const [short = ''] = /^.{0,60}/su.exec(name) ?? [];
  return short.length < name.length ? `${short}…` : name;
}

/** What the built-in consent page says. */
export function consentBody(view: ConsentView, messages: Messages): SafeHtml {
  const names = { client: shortName(view, messages), server: view.server.name };
  return html`${brand(view)}
    <h1>${messages.markup('consentTitle', names)}</h1>
    ${account(view, messages)} ${origin(view, messages)} ${destination(view, messages)}
    ${impersonation(view, messages)}
    <h2 id="scopes">${messages.text('scopesTitle')}</h2>
    ${scopes(view, messages)}
    ${view.remembered ? html`<p class="muted">${messages.text(rememberNote(view))}</p>` : undefined}
    <form method="post">
      <input type="hidden" name="txn" value="${view.form.txn}" />
      <input type="hidden" name="csrf" value="${view.form.csrf}" />
      <div class="actions">
        <button class="secondary" name="action" value="deny">${messages.text('deny')}</button>
        <button class="primary" name="action" value="approve" aria-describedby="origin destination">
          ${messages.text(view.user ? 'allow' : 'approve')}
        </button>
      </div>
    </form>
    ${details(view, messages)}`;
}

function brand({ server: { name, icon } }: ConsentView): SafeHtml {
  if (icon === undefined) return html`<p class="muted">${name}</p>`;
  return html`<p class="brand muted"><img class="icon" src="${icon}" alt="" />${name}</p>`;
}

/** Whoever lends somebody a browser, or was logged in by somebody else, must see it here. */
function account({ user }: ConsentView, messages: Messages): SafeHtml | undefined {
  if (!user) return undefined;
  const { name, switchUrl } = user;
  return html`<p id="account">
    ${messages.markup('loggedInAs', { user: name })}
    ${switchUrl === undefined ? undefined : html`<a href="${switchUrl}">${messages.text('switchUser')}</a>`}
  </p>`;
}

function rememberNote({ user }: ConsentView): 'rememberNote' | 'rememberForUserNote' {
  return user ? 'rememberForUserNote' : 'rememberNote';
}

function origin({ client }: ConsentView, messages: Messages): SafeHtml {
  if (client.publishedBy !== undefined) {
    return html`<p id="origin">
      <span class="badge">
        ${messages.markup('publishedClient', { host: client.publishedBy })}
      </span>
      ${messages.text('publishedClientNote')}
    </p>`;
  }
  return client.origin === 'configured'
    ? html`<p id="origin">
        <span class="badge">${messages.text('knownClient')}</span>
        ${messages.text('knownClientNote')}
      </p>`
    : html`<p class="notice warning" id="origin">
        <b>${messages.text('unverifiedClient')}</b> ${messages.text('unverifiedClientNote')}
      </p>`;
}

function destination({ redirect: { kind, name, uri } }: ConsentView, messages: Messages): SafeHtml {
  const notes = { web: undefined, loopback: 'loopbackNote', app: 'appNote' } as const;
  const note = notes[kind];
  return html`<dl class="facts" id="destination">
    <dt>${messages.text('destination')}</dt>
    <dd>
      <b dir="ltr">${name}</b>
      ${note && html`<br />${messages.text(note)}`}<br /><code dir="ltr">${uri}</code>
    </dd>
  </dl>`;
}

/** Whoever listens on loopback may have borrowed the id of a well-known application. */
function impersonation(
  { client, redirect }: ConsentView,
  messages: Messages,
): SafeHtml | undefined {
  if (client.publishedBy === undefined || redirect.kind !== 'loopback') return undefined;
  return html`<p class="notice warning">
    ${messages.markup('impersonationWarning', { host: client.publishedBy })}
  </p>`;
}

function scopes({ scopes, server }: ConsentView, messages: Messages): SafeHtml {
  if (scopes.length === 0) {
    return html`<p>${messages.markup('noScopes', { server: server.name })}</p>`;
  }
  return html`<ul aria-labelledby="scopes">
    ${scopes.map(({ scope, description }) =>
      description === undefined
        ? html`<li><code dir="ltr">${scope}</code></li>`
        : html`<li>${description} <code class="muted" dir="ltr">${scope}</code></li>`,
    )}
  </ul>`;
}

function details({ client, server }: ConsentView, messages: Messages): SafeHtml {
  return html`<details>
    <summary>${messages.text('details')}</summary>
    <dl class="facts">
      <dt>${messages.text('clientId')}</dt>
      <dd><code dir="ltr">${client.id}</code></dd>
      ${
        client.website === undefined
          ? undefined
          : html`<dt>${messages.text('clientWebsite')}</dt>
              <dd>
                <a href="${client.website}" rel="noopener noreferrer nofollow" dir="ltr"
                  >${client.website}</a
                >
              </dd>`
      }
      <dt>${messages.text('resource')}</dt>
      <dd><code dir="ltr">${server.resource}</code></dd>
    </dl>
  </details>`;
}
