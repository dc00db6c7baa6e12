import { describe, expect, it } from '@jest/globals';

import { renderBearerChallenge } from './bearer-challenge.js';

const realm = 'https://rs.test/mcp';

describe('renderBearerChallenge', () => {
  it('has no error when there were no credentials (AT-01, RFC 6750 §3.1)', () => {
    const resourceMetadata = 'https://rs.test/.well-known/oauth-protected-resource/mcp';
    expect(renderBearerChallenge({ realm, scopes: ['a', 'b'], resourceMetadata })).toBe(
      `Bearer scope="a b", resource_metadata="${resourceMetadata}"`,
    );
  });

  it('names the realm when there would be no parameter at all (RFC 6750 §3)', () => {
    expect(renderBearerChallenge({ realm })).toBe('Bearer realm="https://rs.test/mcp"');
    expect(renderBearerChallenge({ realm, scopes: ['a'] })).toBe('Bearer scope="a"');
  });

  it('renders an error with its description', () => {
    expect(
      renderBearerChallenge({ realm, error: 'invalid_token', errorDescription: 'It expired.' }),
    ).toBe('Bearer error="invalid_token", error_description="It expired."');
  });

  it('keeps hostile text inside its quotes', () => {
    const resourceMetadata = 'https://rs.test/"\\\r\nSet-Cookie: a\u00e9';
    expect(renderBearerChallenge({ realm, resourceMetadata })).toBe(
      'Bearer resource_metadata="https://rs.test/\\"\\\\Set-Cookie: a"',
    );
  });

  it.each(['scope="admin"', 'error=x', 'resource_metadata="https://evil.test"', 'a\r\nb', 'é\\"'])(
    'lets no description such as %j pass for a parameter',
    (errorDescription) => {
      const header = renderBearerChallenge({ realm, error: 'invalid_token', errorDescription });
      const description = /error_description="([^"]*)"$/.exec(header)?.[1];
      expect(description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
      expect(description).not.toMatch(/(scope|error|resource_metadata)=/);
    },
  );

  it('leaves out what is no scope (RFC 6749 §3.3)', () => {
    expect(renderBearerChallenge({ realm, scopes: ['a"b', 'a b', 'ok'] })).toBe(
      'Bearer scope="ok"',
    );
  });
});
