/** Takes a step; when it fails, takes back what it may have left behind, and fails as it did. */
export async function orUndo<T>(step: () => Promise<T>, undo: () => Promise<void>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    await undo().catch(() => {
      // The store is failing; what is left has a lifetime and no holder.
    });
    throw error;
  }
}
