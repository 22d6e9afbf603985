import { featureTable, gpus, knownError, measurements, predicted } from '../../src/sizing/index.ts'

/** docs/reference/sizing.md: the tables that `slipway lab compat` works from, and how well its estimates did. */
export function sizingPage(): string {
  const all = knownError()
  const decode = knownError(['decode'])
  return `# Engines, GPUs and estimates

The tables behind [the compatibility check](../checks/compatibility.md) and \`slipway lab compat\`. This page is generated
from \`src/sizing\` by \`make docs\`.

## Predicted and measured
Tokens a second; for \`first-token\` milliseconds. Rows with a star are those that the reached shares of the printed peaks
were fitted to. On the ${all.rows} others half of the predictions are within a factor of ${all.medianFactor.toFixed(2)} of
what was measured, nine of ten within ${all.ninetiethFactor.toFixed(2)}; on decoding alone (${decode.rows} rows)
${decode.medianFactor.toFixed(2)} and ${decode.ninetiethFactor.toFixed(2)}. Worst are short prompts on engines of 2023 (no
graphs of the prompt pass) and old llama.cpp on GPUs with HBM.

| | model | weights | GPUs | kind | batch | prompt | output | measured | predicted | error | by |
|---|---|---|---|---|---|---|---|---|---|---|---|
${measurements
  .map((row) => {
    const guess = predicted(row)
    const cells = [
      row.isFitted ? '*' : '',
      row.model,
      row.precision,
      `${row.gpus} × ${row.gpu}`,
      row.kind,
      row.batch,
      row.promptTokens,
      row.outputTokens,
      row.measured,
      guess.toFixed(1),
      `${guess >= row.measured ? '+' : '−'}${Math.abs((guess / row.measured - 1) * 100).toFixed(0)} %`,
      `[${row.engine}](${row.source})`,
    ]
    return `| ${cells.join(' | ')} |`
  })
  .join('\n')}

## GPUs
Peaks are dense; prices are what one seller listed, to compare by.

| id | GPU | capability | GiB | GB/s | fp16 TFLOPS | fp8 | interconnect | W | $ an hour | read |
|---|---|---|---|---|---|---|---|---|---|---|
${gpus
  .map(
    (gpu) =>
      `| \`${gpu.id}\` | [${gpu.name}](${gpu.datasheet}) | ${gpu.computeCapability ?? '–'} | ${gpu.memoryBytes / 2 ** 30} | ${gpu.bandwidthBytesPerS / 1e9} | ${gpu.flops.fp16 / 1e12} | ${gpu.flops.fp8 === null ? '–' : gpu.flops.fp8 / 1e12} | ${gpu.interconnect} | ${gpu.powerW} | ${gpu.price === null ? '–' : `[${gpu.price.usdPerHour}](${gpu.price.source})`} | ${gpu.price?.readAt ?? '–'} |`,
  )
  .join('\n')}

## Features of engines
What is not here is \`unknown\`.
${Object.entries(featureTable)
  .map(
    ([engine, rows]) => `
### ${engine}
| feature | | from | least capability | what its page says | read |
|---|---|---|---|---|---|
${rows.map((row) => `| ${row.feature} | ${row.status} | ${row.isFirst ? 'since ' : 'seen at '}${row.from}${row.until === null ? '' : `, until ${row.until}`} | ${row.leastCapability ?? '–'} | [${row.line}](${row.source}) | ${row.readAt} |`).join('\n')}`,
  )
  .join('\n')}
`
}
