import type { BlockList } from 'node:net';
import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { clientAddress } from './client-address.js';
import type { RateLimitName } from './rate-limit-options.js';
import type { RateLimiter } from './rate-limiter.js';

/** By how much an address that may be many clients' may exceed the limit of one. */
const sharedFactor = 50;

/** A limit for the requests of one address. */
export class RequestLimit {
  constructor(
    private readonly name: RateLimitName,
    private readonly its: {
      /** Absent when there is no limit. */
      readonly limiter: RateLimiter | undefined;
      readonly exempt: BlockList;
      readonly events: MultiAuthEvents;
      /** Hears of the requests whose address may be a proxy's. */
      readonly onSharedAddress: (request: EndpointRequest, address: string) => void;
    },
  ) {}

  /**
   * Counts the request; of several clients at one address each is counted by itself.
   * @returns false when there were too many
   * @throws StorageError
   */
  async count(request: EndpointRequest, clientId = ''): Promise<boolean> {
    const { limiter, events } = this.its;
    const counted = this.#counted(request, clientId);
    if (!limiter || !counted) return true;
    const left = await limiter.claim(counted.subject, counted.factor);
    if (left === 0) {
      const of = clientId === '' ? {} : { clientId };
      events.emit('rate_limit.reached', { limit: this.name, address: counted.address, ...of });
    }
    return left !== undefined;
  }

  /** Tells whether the request would be one too many. @throws StorageError */
  async isExceeded(request: EndpointRequest, clientId = ''): Promise<boolean> {
    const { limiter } = this.its;
    const counted = this.#counted(request, clientId);
    return limiter && counted ? limiter.isExhausted(counted.subject, counted.factor) : false;
  }

  /** @throws OAuthError with status 429 when there were too many; StorageError */
  async assertCounted(request: EndpointRequest): Promise<void> {
    if (!(await this.count(request))) throw this.refusal();
  }

  /** The answer to one request too many (RFC 6585 §4). */
  refusal(): OAuthError {
    const seconds = this.its.limiter?.secondsLeft() ?? 1;
    return new OAuthError('temporarily_unavailable', 'There were too many requests of this kind.', {
      status: 429,
      headers: { 'retry-after': String(seconds) },
    });
  }

  #counted(request: EndpointRequest, clientId: string) {
    if (!this.its.limiter) return undefined;
    const { subject, address, isShared } = clientAddress(request);
    if (address && this.its.exempt.check(address.text, address.family)) return undefined;
    if (isShared) this.its.onSharedAddress(request, subject);
    return {
      subject: `${subject} ${clientId}`,
      address: subject,
      factor: isShared ? sharedFactor : 1,
    };
  }
}
