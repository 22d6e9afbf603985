/**
 * What each key of the two files means, by its path. `scripts/reference/files.ts` refuses a key without a meaning and a
 * meaning without a key, so that the page cannot fall behind the forms.
 */

const version = (where: string, rest: string): Record<string, string> => ({
  [`${where}.label`]: 'What people call the version.',
  [`${where}.engine`]: `What runs it: \`onnx\`, or \`echo\`, which answers by a script.${rest}`,
  [`${where}.artifact`]:
    'The ONNX file, relative to this file. Stored by its digest; the version is pinned to it.',
  [`${where}.preprocess`]:
    'A self-contained TypeScript or JavaScript module that exports `preprocess(rows)`. It runs inside the model server.',
  [`${where}.batching`]: 'When a batch is taken. What is left out is inherited.',
  [`${where}.batching.maxBatchSize`]: 'Rows a batch at most.',
  [`${where}.batching.maxQueueDelayMs`]: 'How long the oldest request may wait for company, ms.',
  [`${where}.batching.maxQueueRows`]: 'Rows that may wait; beyond it requests are refused with `overloaded`.',
  [`${where}.threads`]: 'Threads of the ONNX runtime inside one operation.',
  [`${where}.echo`]: 'What the `echo` engine does; for drills.',
  [`${where}.echo.latencyMs`]: 'Time of a batch, ms.',
  [`${where}.echo.perRowMs`]: 'Time of each row on top, ms.',
  [`${where}.echo.failShare`]: 'Share of requests that fail, 0 to 1.',
  [`${where}.echo.slowShare`]: 'Share of requests that are slow, 0 to 1.',
  [`${where}.echo.slowFactor`]: 'How many times slower these are.',
  [`${where}.echo.afterRows`]: 'Faults begin after so many rows that the process has answered.',
  [`${where}.echo.seed`]: 'Which requests fail or are slow.',
})

export const changeMeanings: Readonly<Record<string, string>> = {
  model: 'The model that changes.',
  from: '`champion`, the version with the largest share of the traffic now, or the label of a version.',
  to: 'The candidate. What is left out is inherited from the version it starts from; another engine inherits no files.',
  ...version('to', ''),
  hypothesis: 'Why it should be better, for the people who read the report.',
  goal: 'The axis that must be superior. `security` is refused, since no check measures it yet.',
  margins: 'By how much an axis that is not the goal may get worse. One `pp` is a percentage point.',
  'margins.accuracy': 'Share of right answers.',
  'margins.stabilityFlips': 'Share of answers that flip, under noise and when repeated.',
  'margins.latencyP95': 'p95 end to end, relative.',
  'margins.cost': 'Compute-seconds an answer, relative.',
  data: 'What it is judged on.',
  'data.golden': 'Name of a registered dataset of this model.',
  'data.holdout': 'Kept in the proposal; nothing reads it yet.',
  risk: 'Risk tier; decides [how many sign-offs](../checks.md#policy-and-risk-tiers) are wanted. Too low a tier is refused.',
  rollout: 'How traffic moves.',
  'rollout.strategy': 'The only one there is.',
  'rollout.steps': 'Percent of the units on the candidate; growing, the last one 100.',
  'rollout.guards':
    'Rates that are watched. Latency guards count requests slower than the champion’s own quantile.',
  'rollout.guardMargins': 'By how much the rate of a guard may rise, in percentage points, by guard.',
  'rollout.windowMs': 'Length of the windows in which the two versions are compared.',
  'rollout.alphaAbort': 'Chance of a wrong abort over the whole rollout; split over the guards.',
  'rollout.alphaPromote': 'Chance of a wrong promotion over the whole rollout.',
  'rollout.expectedRequestsPerSecond':
    'Traffic of the model that the forecast counts on; left out: that of the last minute.',
  'rollout.scaleDownDelayMs': 'How long the old version stays ready after the last step.',
}

export const modelMeanings: Readonly<Record<string, string>> = {
  model: 'Its name.',
  description: 'For people.',
  owner: 'For people.',
  task: 'For people.',
  framework: 'For people.',
  contract: 'What a row is. Fixed when the model is named.',
  'contract.inputs': 'Tensors of a row, without the batch dimension.',
  'contract.inputs[].name': 'Key in a JSON row.',
  'contract.inputs[].dtype': 'Type of the elements.',
  'contract.inputs[].shape': '`[]` is a scalar; `null` is a free dimension.',
  'contract.outputs':
    'Tensors of an answer. The one called `label`, else the first that is not a float, is compared with labels.',
  'contract.outputs[].name': 'Key in a JSON answer.',
  'contract.outputs[].dtype': 'Type of the elements.',
  'contract.outputs[].shape': 'As for inputs.',
  classes: 'Names of the classes by index; labels of datasets use them.',
  captureFailures: 'Whether failed requests are kept with their input, at most 60 a minute.',
  champion: 'The version that runs first.',
  ...version('champion', ''),
  'champion.replicas': 'Model servers that run it.',
  datasets: 'Evaluation data by name: one JSON object a line, `.gz` where the name says so.',
  'datasets.*.file': 'The file, relative to this one.',
  'datasets.*.input': 'The field that feeds the only input; its name unless given.',
  'datasets.*.inputs': 'Field by input, where the model has several.',
  'datasets.*.label': 'The field that holds what is right.',
  'datasets.*.id': 'The field that names the item; its line where there is none.',
  'datasets.*.at': 'The field that holds its time.',
  'datasets.*.slices': 'Fields by which results are shown in parts.',
  traffic: 'Live traffic to make from a dataset: 20 requests a second, 1,500 while a canary runs.',
  'traffic.dataset': 'The dataset whose items are sent.',
  'traffic.requestsPerSecond': 'What the sample’s traffic sends while a canary runs; 2,500 when left out.',
}
