import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../common/errors.js';
import { PublishedPaths } from './published-paths.js';

const root = '/.well-known/oauth-protected-resource';

describe('PublishedPaths', () => {
  it('gives each module the paths it claims', () => {
    const published = new PublishedPaths();
    expect(published.claim(['/a/token', '/a/register'])).toEqual(['/a/token', '/a/register']);
    expect(published.claim(['/b/token'])).toEqual(['/b/token']);
    expect(published.claim([])).toEqual([]);
  });

  it('refuses a path that is taken, by name, and gives none of the others', () => {
    const published = new PublishedPaths();
    published.claim(['/token']);
    expect(() => published.claim(['/other', '/token'])).toThrow(ConfigurationError);
    expect(() => published.claim(['/token'])).toThrow('/token');
    expect(published.claim(['/other'])).toEqual(['/other']);
  });

  it('gives the well-known path without a resource to the first that wants it', () => {
    const published = new PublishedPaths();
    expect(published.claim([root, `${root}/a`])).toEqual([root, `${root}/a`]);
    expect(published.claim([root, `${root}/b`])).toEqual([`${root}/b`]);
  });
});
