/** What `within` answers when the time is up. */
export const late = Symbol('late');

/** Waits for the promise, but no longer than so many seconds; it goes on whoever waits. */
export async function within<T>(promise: Promise<T>, seconds: number): Promise<T | typeof late> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), seconds * 1000);
  });
  // Where nobody waits any more a rejection is nobody's.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
