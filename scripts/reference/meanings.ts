/**
 * What each key of the files means, by its path. `scripts/reference/files.ts` refuses a key without a meaning and a
 * meaning without a key, so that the page cannot fall behind the forms.
 */

const version = (where: string, rest: string): Record<string, string> => ({
  [`${where}.label`]: 'What people call the version.',
  [`${where}.engine`]: `What runs it: \`onnx\`; \`llama\`, for text, from a GGUF file; \`echo\`, which answers either by a script; or for text the protocol of its provider.${rest}`,
  [`${where}.artifact`]:
    'The ONNX or GGUF file, relative to this file. Stored by its digest; the version is pinned to it.',
  [`${where}.preprocess`]:
    'A self-contained TypeScript or JavaScript module that exports `preprocess(rows)`. It runs inside the model server.',
  [`${where}.batching`]: 'When a batch is taken. What is left out is inherited.',
  [`${where}.batching.maxBatchSize`]: 'Rows a batch at most.',
  [`${where}.batching.maxQueueDelayMs`]: 'How long the oldest request may wait for company, ms.',
  [`${where}.batching.maxQueueRows`]: 'Rows that may wait; beyond it requests are refused with `overloaded`.',
  [`${where}.threads`]: 'Threads of the ONNX runtime inside one operation.',
  [`${where}.echo`]: 'What the `echo` engine does; for drills.',
  [`${where}.echo.latencyMs`]: 'Time of a batch, or before the first token of a text, ms.',
  [`${where}.echo.perRowMs`]: 'Time of each row on top, ms.',
  [`${where}.echo.failShare`]: 'Share of requests that fail, 0 to 1.',
  [`${where}.echo.slowShare`]: 'Share of requests that are slow, 0 to 1.',
  [`${where}.echo.slowFactor`]: 'How many times slower these are.',
  [`${where}.echo.afterRows`]: 'Faults begin after so many rows that the process has answered.',
  [`${where}.echo.seed`]: 'Which requests fail or are slow.',
  [`${where}.echo.text`]: 'How it answers a model of text. A token is a word with the space before it.',
  [`${where}.echo.text.says`]: 'What it says to everything; left out, what the user said last.',
  [`${where}.echo.text.tokenMs`]: 'Time between two tokens, ms.',
  [`${where}.echo.text.failAfterTokens`]: 'A request fails once it has so many tokens.',
  [`${where}.echo.text.hangAfterTokens`]: 'A request says nothing more after so many tokens, and never ends.',
  [`${where}.echo.text.sequences`]: 'Requests that are answered together.',
  [`${where}.echo.text.maxWaiting`]:
    'Requests that wait besides; beyond it they are refused with `overloaded`.',
  [`${where}.echo.text.contextTokens`]: 'Tokens of question and answer together.',
  [`${where}.echo.text.vectorSize`]: 'Numbers in a vector of embeddings; 0: there are none.',
  [`${where}.provider`]: 'Whose endpoint answers, for engines that run elsewhere; see `slipway provider`.',
  [`${where}.modelName`]: 'The model as the provider names it.',
  [`${where}.prompt`]: 'Said before everything else: the words, or the path of a file that holds them.',
  [`${where}.sampling`]: 'How tokens are drawn, where a request does not say.',
  [`${where}.sampling.maxOutputTokens`]: 'Tokens of an answer at most.',
  [`${where}.sampling.temperature`]: '0 takes the likeliest token each time.',
  [`${where}.sampling.topP`]: 'Draw among the likeliest tokens that hold this share of the probability.',
  [`${where}.sampling.topK`]: 'Draw among so many of the likeliest tokens.',
  [`${where}.sampling.minP`]: 'Draw among tokens at least so likely, relative to the likeliest.',
  [`${where}.sampling.frequencyPenalty`]: 'Lowers tokens by how often they stand there already.',
  [`${where}.sampling.presencePenalty`]: 'Lowers tokens that stand there already.',
  [`${where}.sampling.repetitionPenalty`]: 'Divides the score of tokens that stand there already.',
  [`${where}.sampling.seed`]: 'The same seed and input give the same answer, where the provider keeps that.',
  [`${where}.sampling.stop`]: 'Texts at which an answer ends.',
  [`${where}.sampling.logitBias`]: 'Added to the scores of tokens, by token id.',
  [`${where}.guardrails`]: 'Rules on what goes in and comes out, in their order.',
  [`${where}.llama`]: 'How the engine `llama` runs its GGUF file. In a change it is written whole.',
  [`${where}.llama.contextTokens`]: 'Tokens of question and answer together.',
  [`${where}.llama.sequences`]: 'Requests that are decoded together.',
  [`${where}.llama.kvBlockTokens`]: 'Tokens of a block of the KV budget.',
  [`${where}.llama.maxMemoryBytes`]:
    'What weights, KV cache and buffers may take together, bytes; left out, planned from the file and checked against the machine.',
  [`${where}.llama.contextShift`]:
    'What happens to a question and answer that outgrow the context: refused, or the oldest turns are dropped and that is said.',
  [`${where}.llama.speculation`]:
    'Tokens that are guessed and then checked together, `maxTokens` at a time at most. `kind: draft` guesses by a smaller model of the same vocabulary, whose GGUF file `artifact` is; `kind: prompt-lookup` by what followed the last `minMatch` tokens where they stood before.',
  [`${where}.llama.loras`]: 'Adapters on the weights; a request chooses one by its name.',
  [`${where}.llama.loras[].name`]: 'By which a request asks for it.',
  [`${where}.llama.loras[].artifact`]: 'Its GGUF file, relative to this file.',
  [`${where}.llama.loras[].scale`]: 'How strongly it is added.',
  [`${where}.llama.embeddings`]: 'Vectors instead of texts.',
  [`${where}.vllm`]:
    'How a model server of another project is started, for the engine `vllm`; [which flag each setting is](../vllm.md#settings).',
  [`${where}.vllm.server`]: 'Which one.',
  [`${where}.vllm.serverVersion`]:
    'Its release, such as `0.10.2`: what that one does not have yet is refused before anything is started.',
  [`${where}.vllm.command`]:
    'What is run before our flags, such as `["vllm", "serve"]`; flags that have no setting here may follow in it.',
  [`${where}.vllm.weights`]:
    'Name or folder of the weights; for `triton-trtllm` the folder of the model repository.',
  [`${where}.vllm.dtype`]: 'As that server names it.',
  [`${where}.vllm.quantization`]: 'As that server names it.',
  [`${where}.vllm.kvCacheDtype`]: 'As that server names it.',
  [`${where}.vllm.tensorParallel`]: 'GPUs that share each layer.',
  [`${where}.vllm.pipelineParallel`]: 'GPUs that share the layers out.',
  [`${where}.vllm.maxModelTokens`]: 'Tokens of question and answer together.',
  [`${where}.vllm.maxSequences`]: 'Sequences that are decoded together.',
  [`${where}.vllm.gpuMemoryShare`]: 'Share of the GPU memory that it may take.',
  [`${where}.vllm.prefixCaching`]: 'Keep and reuse what equal beginnings computed.',
  [`${where}.vllm.chunkedPrefill`]: 'Read long questions in pieces, between the steps of others.',
  [`${where}.vllm.speculative`]: 'Settings of speculative decoding, as that server names them.',
  [`${where}.vllm.loras`]:
    'Adapters on the weights; a version whose `modelName` is one of them answers by it.',
  [`${where}.vllm.loras[].name`]: 'By which a request asks for it.',
  [`${where}.vllm.loras[].path`]: 'Where it is.',
  [`${where}.vllm.startTimeoutMs`]: 'How long the start may take, ms; the weights are most of it.',
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
  contract: 'What a row is. Fixed when the model is named. Left out: a model of text, `{prompt}` → `{text}`.',
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

const tiers = {
  parameter: 'Batching, threads.',
  prompt: 'A prompt, when the author says so.',
  'same-family': 'File or preprocessing.',
  'new-provider': 'Another provider, when the author says so.',
  'new-architecture': 'Another engine.',
}

export const policyMeanings: Readonly<Record<string, string>> = {
  version: 'The form of the file: `1`.',
  name: 'For people; `slipway change plan` shows it with the hash.',
  requiredAxes: 'Axes that gate. The goal of a change gates too, whatever stands here.',
  signOff: 'How evidence is signed.',
  'signOff.notTheAuthor': 'Whether the key that proposed a change may neither sign nor waive it.',
  'signOff.expiresAfterDays': 'A sign-off counts for so long.',
  tiers: 'What each risk tier must show.',
  ...Object.fromEntries(
    Object.entries(tiers).flatMap(([tier, meaning]) => [
      [`tiers.${tier}`, meaning],
      [
        `tiers.${tier}.checks`,
        'Without any of these there is no verdict; `compatibility` cannot be left out.',
      ],
      [`tiers.${tier}.signOffs`, 'Keys that sign, each of them another one.'],
    ]),
  ),
  holdout: 'When to say that held-out data was used too often.',
  'holdout.warnAbove':
    'More candidates of a model than this judged with the same data are told in the report.',
}
