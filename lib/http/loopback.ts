/**
 * Tells whether a host name, as `URL.hostname` gives it, can only mean this machine.
 * @see RFC 6761 §6.3, RFC 8252 §7.3
 */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  if (host === '[::1]' || host === '::1') return true;
  return isLocalhostName(host) || isLoopbackIpv4(host);
}

function isLocalhostName(host: string): boolean {
  const labels = (host.endsWith('.') ? host.slice(0, -1) : host).split('.');
  return labels.at(-1) === 'localhost' && labels.every((label) => /^[a-z0-9_-]+$/.test(label));
}

function isLoopbackIpv4(host: string): boolean {
  const octets = host.split('.');
  return octets.length === 4 && octets[0] === '127' && octets.every(isOctet);
}

function isOctet(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255;
}
