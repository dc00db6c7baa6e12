/** Has a comment. */
export interface Documented {
  readonly member: string;
}

/** Says what it holds. */
export const documented = 1;

export interface Bare {
  readonly member: string;
}

export function bareFunction(): void {}
