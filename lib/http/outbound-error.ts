import { MultiAuthError } from '../common/errors.js';

/** Why a call over the network gave nothing: `address` was not even tried. */
export type OutboundProblem = 'address' | 'encoding' | 'network' | 'redirect' | 'size' | 'timeout';

/** A call over the network was refused, failed, or answered what the library will not take. */
export class OutboundError extends MultiAuthError {
  readonly code = 'ERR_MULTI_AUTH_OUTBOUND';

  constructor(
    message: string,
    readonly problem: OutboundProblem,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
