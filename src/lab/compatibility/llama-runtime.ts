/** The engine `llama` here; its version stands in the plan beside it. */
export const llamaRuntime = { name: 'node-llama-cpp', version: '3.22.1' } as const
