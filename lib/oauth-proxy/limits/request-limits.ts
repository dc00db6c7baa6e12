import type { Clock } from '../../common/clock.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import { FailedAuthentications } from './failed-authentications.js';
import {
  exemptNetworks,
  type RateLimitName,
  type RateLimits,
  resolveRateLimit,
} from './rate-limit-options.js';
import { RateLimiter, type RateLimitSlot } from './rate-limiter.js';
import { RequestLimit } from './request-limit.js';

/** Every limit of the proxy. */
export interface RequestLimits {
  readonly registrations: RequestLimit;
  readonly authorizations: RequestLimit;
  readonly documentLookups: RequestLimit;
  readonly failedAuthentications: FailedAuthentications;
}

/** Builds the limits that the options ask for. */
export function requestLimits(
  given: RateLimits | false | undefined,
  parts: {
    readonly slots: RecordCollection<RateLimitSlot>;
    readonly clock: Clock;
    readonly events: MultiAuthEvents;
  },
): RequestLimits {
  const { events } = parts;
  const exempt = exemptNetworks(given);
  const onSharedAddress = warnOnce(events);
  const limitOf = (name: RateLimitName): RequestLimit => {
    const limit = resolveRateLimit(given, name);
    const limiter = limit && new RateLimiter(name, limit, parts);
    return new RequestLimit(name, { limiter, exempt, events, onSharedAddress });
  };
  return {
    registrations: limitOf('registrations'),
    authorizations: limitOf('authorizations'),
    documentLookups: limitOf('documentLookups'),
    failedAuthentications: new FailedAuthentications(limitOf('failedAuthentications')),
  };
}

/** What was forwarded by a proxy that the host was not told of hides whose it is. */
function warnOnce(events: MultiAuthEvents): (request: EndpointRequest, address: string) => void {
  let isWarned = false;
  return ({ headers }, address) => {
    if (isWarned || (headers['x-forwarded-for'] ?? headers['forwarded']) === undefined) return;
    isWarned = true;
    const advice = "set the host's trust proxy (Express) or trustProxy (Fastify)";
    events.emit('client_address.hidden', { address, advice });
  };
}
