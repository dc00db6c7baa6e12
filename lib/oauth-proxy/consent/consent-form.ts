import type { FormMac } from '../../crypto/form-mac.js';

/** Which page a form was on: that of this login and user, of this login and another user, or none. */
export type FormOrigin = 'genuine' | 'other_user' | 'forged';

interface ShownTo {
  /** Of the transaction. */
  readonly id: string;
  /** The fingerprint of the browser. */
  readonly browser: string;
  /** Who was logged in; absent where users log in later. */
  readonly subject?: string | undefined;
}

/**
 * The token in the form of the consent page. Not a random value: every page shown for a login, in
 * every tab, can be answered.
 */
export class ConsentForm {
  constructor(private readonly mac: FormMac) {}

  token({ id, browser, subject }: ShownTo): string {
    const ofLogin = this.mac.sign(id, browser);
    return subject === undefined ? ofLogin : `${ofLogin}.${this.mac.sign(id, browser, subject)}`;
  }

  originOf(token: string, { id, browser, subject }: ShownTo): FormOrigin {
    const [ofLogin = '', ofUser, more] = token.split('.');
    if (more !== undefined || !this.mac.verify(ofLogin, id, browser)) return 'forged';
    if (subject === undefined) return ofUser === undefined ? 'genuine' : 'forged';
    return this.mac.verify(ofUser ?? '', id, browser, subject) ? 'genuine' : 'other_user';
  }
}
