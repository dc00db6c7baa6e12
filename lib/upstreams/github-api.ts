/** What every call of GitHub's REST API says. */
export const gitHubHeaders = {
  accept: 'application/vnd.github+json',
  'content-type': 'application/json',
  'x-github-api-version': '2022-11-28',
} as const;

/** Where the app asks about a token that was issued to it, and ends it. */
export function gitHubTokenUrl(clientId: string): string {
  return `https://api.github.com/applications/${encodeURIComponent(clientId)}/token`;
}

/** RFC 7617; GitHub's ids and secrets need no encoding beforehand. */
export function basicAuthorization(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
