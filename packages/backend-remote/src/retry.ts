/** Errors of a Redis that is full, starting, failing over, or busy: the same command may succeed later. */
const passing = /\b(OOM|LOADING|READONLY|BUSY|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|MISCONF|NOREPLICAS)\b/;
const firstPauseMs = 50;
const longestPauseMs = 2000;

/**
 * Calls `attempt` until Redis accepts it, with growing pauses.
 * @param isWanted Whether anyone still waits for it; if not, the last error is thrown.
 */
export async function untilAccepted<T>(attempt: () => Promise<T>, isWanted: () => boolean): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Error && passing.test(error.message)) || !isWanted()) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
