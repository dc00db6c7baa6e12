/** Where users log in. */
export type LoginKind = 'upstream' | 'local';
