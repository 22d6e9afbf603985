/** Recomputes a bundle offline. Imported when it is needed, so that other commands start without the lab. */
export async function verifyBundleFile(
  text: string,
): Promise<{ ok: boolean; problems: readonly string[]; summary: string }> {
  const { verifyBundle } = await import('../changes/index.ts')
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch (error) {
    return { ok: false, problems: [`it is not JSON: ${(error as Error).message}`], summary: 'not a bundle' }
  }
  const { ok, problems } = verifyBundle(written)
  return { ok, problems, summary: ok ? summaryOf(written) : `${problems.length} problems` }
}

function summaryOf(bundle: unknown): string {
  const { change, evidence, events } = bundle as {
    change: { id: string; verdict: { sentence: string } | null }
    evidence: unknown[]
    events: unknown[]
  }
  return `${change.id} verifies: ${evidence.length} pieces of evidence and ${events.length} events recomputed. ${change.verdict?.sentence ?? ''}`
}
