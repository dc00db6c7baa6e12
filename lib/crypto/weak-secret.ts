const MIN_BYTES = 32;
const MIN_DISTINCT_CHARACTERS = 8;

/** Words that stand in examples and templates, in lower case and without separators. */
const PLACEHOLDERS = [
  'changeme',
  'changethis',
  'replaceme',
  'replacethis',
  'placeholder',
  'yoursecret',
  'yourauthsecret',
  'mysecret',
  'supersecret',
  'topsecret',
  'examplesecret',
  'password',
  'insertsecret',
  'keyboardcat',
];

/** What makes the value unusable as a secret, in words that do not repeat it; undefined if nothing. */
export function weaknessOf(secret: unknown): string | undefined {
  if (typeof secret !== 'string' || Buffer.byteLength(secret) < MIN_BYTES) {
    return `must be a text of at least ${MIN_BYTES} bytes, such as \`openssl rand -base64 32\` prints`;
  }
  if (new Set(secret).size < MIN_DISTINCT_CHARACTERS) {
    return 'has too few different characters; use random ones';
  }
  if (isPlaceholder(secret)) return 'is a placeholder; use a random secret of your own';
  if (isRepetition(secret) || isSequence(secret)) return 'is a pattern; use random characters';
  return undefined;
}

function isPlaceholder(secret: string): boolean {
  const letters = secret.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return PLACEHOLDERS.some((word) => letters.includes(word));
}

/** A text is some shorter one repeated exactly if it occurs in its own doubling before its end. */
function isRepetition(secret: string): boolean {
  return (secret + secret).indexOf(secret, 1) < secret.length;
}

function isSequence(secret: string): boolean {
  let steps = 0;
  for (let i = 1; i < secret.length; i++) {
    if (Math.abs(secret.charCodeAt(i) - secret.charCodeAt(i - 1)) <= 1) steps++;
  }
  return steps > (secret.length - 1) * 0.75;
}
