import type { ConfigurationIssue } from '../../common/errors.js';
import { isText } from '../../common/option-issues.js';
import { policyProblem } from './content-security-policy.js';
import { english } from './english.js';
import { placeholdersOf } from './message-catalogue.js';

const MAX_ICON = 32 * 1024;
const MAX_TEXT = 1000;

/** What is wrong with the options of the pages. */
export function pageOptionIssues(
  options: Readonly<
    Partial<
      Record<
        | 'consentPage'
        | 'contentSecurityPolicy'
        | 'icon'
        | 'messages'
        | 'scopeDescriptions'
        | 'serverName',
        unknown
      >
    >
  >,
  path: string,
): ConfigurationIssue[] {
  const { consentPage, contentSecurityPolicy, icon, messages, scopeDescriptions } = options;
  const issues: ConfigurationIssue[] = [];
  const add = (name: string, problem: string | null): void => {
    if (problem !== null) issues.push({ path: `${path}.${name}`, problem });
  };
  if (options.serverName !== undefined) add('serverName', textProblem(options.serverName));
  if (contentSecurityPolicy !== undefined) {
    add('contentSecurityPolicy', policyProblem(contentSecurityPolicy));
  }
  if (icon !== undefined) add('icon', iconProblem(icon));
  if (consentPage !== undefined && typeof consentPage !== 'function') {
    add('consentPage', 'must be a function that renders a page');
  }
  return [
    ...issues,
    ...(messages === undefined ? [] : messageIssues(messages, `${path}.messages`)),
    ...(scopeDescriptions === undefined
      ? []
      : descriptionIssues(scopeDescriptions, `${path}.scopeDescriptions`)),
  ];
}

function iconProblem(icon: unknown): string | null {
  const path = /^\/(?!\/)[A-Za-z0-9._~/-]*$/;
  const image = /^data:image\/(?:png|svg\+xml|webp|jpeg);base64,[A-Za-z0-9+/]+={0,2}$/;
  if (typeof icon !== 'string') return 'must be a text';
  if (icon.length > MAX_ICON) return `must not be longer than ${MAX_ICON} characters`;
  return path.test(icon) || image.test(icon)
    ? null
    : 'must be a path of this origin, or a data: URI of a PNG, SVG, WebP or JPEG in base64';
}

function messageIssues(messages: unknown, path: string): ConfigurationIssue[] {
  return languageIssues(messages, path, (texts, at) => {
    if (!isRecord(texts)) return [{ path: at, problem: 'must be an object of texts' }];
    return Object.entries(texts).flatMap(([key, text]) => {
      const problem = messageProblem(key, text);
      return problem === null ? [] : [{ path: `${at}.${key}`, problem }];
    });
  });
}

function messageProblem(key: string, text: unknown): string | null {
  if (!Object.hasOwn(english, key)) return 'is not a message';
  const problem = textProblem(text);
  if (problem !== null) return problem;
  const filled = placeholdersOf(english[key as keyof typeof english]);
  const unknown = placeholdersOf(text as string).find((name) => !filled.includes(name));
  return unknown === undefined ? null : `has {${unknown}}, which is not filled in there`;
}

function descriptionIssues(descriptions: unknown, path: string): ConfigurationIssue[] {
  if (!isRecord(descriptions)) return [{ path, problem: 'must be an object of texts by scope' }];
  return Object.entries(descriptions).flatMap(([scope, text]) => {
    const at = `${path}.${scope}`;
    if (isRecord(text)) return languageIssues(text, at, textIssues);
    return textIssues(text, at);
  });
}

/** The issues of an object whose keys are language tags. */
function languageIssues(
  given: unknown,
  path: string,
  issuesOf: (value: unknown, path: string) => ConfigurationIssue[],
): ConfigurationIssue[] {
  if (!isRecord(given)) return [{ path, problem: 'must be an object by language' }];
  const seen = new Set<string>();
  return Object.entries(given).flatMap(([tag, value]) => {
    const at = `${path}.${tag}`;
    if (!isLanguageTag(tag)) return [{ path: at, problem: 'is not a language tag (BCP 47)' }];
    if (seen.has(tag.toLowerCase())) return [{ path: at, problem: 'is repeated' }];
    seen.add(tag.toLowerCase());
    return issuesOf(value, at);
  });
}

function textIssues(text: unknown, path: string): ConfigurationIssue[] {
  const problem = textProblem(text);
  return problem === null ? [] : [{ path, problem }];
}

/** A page shows the characters that turn the reading direction as U+FFFD. */
function textProblem(text: unknown): string | null {
  if (!isText(text) || text.length > MAX_TEXT)
    return `must be a text of 1 to ${MAX_TEXT} characters`;
  return /[\p{Cc}\p{Bidi_Control}]/u.test(text)
    ? 'must not have control characters; the page sets the direction of its language itself'
    : null;
}

function isLanguageTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
