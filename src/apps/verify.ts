/** Recomputes a bundle offline. Imported when it is needed, so that other commands start without the lab. */
export async function verifyBundleFile(
  text: string,
): Promise<{ ok: boolean; problems: readonly string[]; open: readonly string[]; summary: string }> {
  const { verifyBundle } = await import('../changes/index.ts')
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch (error) {
    const problems = [`it is not JSON: ${(error as Error).message}`]
    return { ok: false, problems, open: [], summary: 'not a bundle' }
  }
  const { ok, problems, open } = verifyBundle(written)
  return { ok, problems, open, summary: ok ? summaryOf(written, open.length) : `${problems.length} problems` }
}

function summaryOf(bundle: unknown, openCount: number): string {
  const { change, evidence, events, looks } = bundle as {
    change: { id: string; verdict: { sentence: string } | null }
    evidence: unknown[]
    events: unknown[]
    looks: unknown[]
  }
  return `${change.id} verifies: ${evidence.length} pieces of evidence, ${events.length} events and ${looks.length} looks of the judge recomputed${openCount === 0 ? '' : ', but for those below'}. ${change.verdict?.sentence ?? ''}`
}
