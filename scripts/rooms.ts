/**
 * Who may import whom. A room is a folder under src/ with one door, its index.ts; `scripts/check-layers.ts` fails on
 * an arrow that is not here, on an import past a door, and on a cycle between files.
 */
export const rooms: Record<string, { owns: string; mayImport: readonly string[] }> = {
  contracts: { owns: 'zod schemas, types, the route table, error codes', mayImport: [] },
  kernel: {
    owns: 'errors, logger, clock, random, ids, ring queue, histograms, canonical JSON',
    mayImport: ['contracts'],
  },
  stats: { owns: 'intervals, paired tests, bootstrap, sequential tests, planning', mayImport: [] },
  artifacts: {
    owns: 'what model files say of themselves, read by their headers only',
    mayImport: ['contracts', 'kernel'],
  },
  sizing: {
    owns: 'memory, time and money that a model takes on given hardware: feature table, fit, roofline',
    mayImport: ['contracts', 'kernel', 'artifacts'],
  },
  store: {
    owns: 'Postgres and PGlite, migrations, repositories, artifacts, jobs',
    mayImport: ['contracts', 'kernel'],
  },
  link: {
    owns: 'the inner protocol: binary frames between gateway and model server',
    mayImport: ['contracts', 'kernel'],
  },
  dialects: {
    owns: 'how the APIs of language models write requests, answers, streams and errors, from and to one neutral form',
    mayImport: ['contracts', 'kernel'],
  },
  pricing: { owns: 'what tokens cost: price book and cost of a usage', mayImport: ['contracts', 'kernel'] },
  routing: { owns: 'snapshot, split, load balancing, admission', mayImport: ['contracts', 'kernel'] },
  providers: {
    owns: 'outbound protocols behind one plug',
    mayImport: ['contracts', 'kernel', 'link', 'dialects'],
  },
  gateway: {
    owns: 'the front door of traffic',
    mayImport: ['contracts', 'kernel', 'routing', 'providers', 'link', 'dialects', 'pricing'],
  },
  serving: {
    owns: 'the model server: batcher and engines',
    mayImport: ['contracts', 'kernel', 'link', 'dialects', 'artifacts'],
  },
  fleet: {
    owns: 'what runs where: reconcilers, rollout, backends',
    mayImport: ['contracts', 'kernel', 'stats', 'store', 'routing', 'link'],
  },
  telemetry: {
    owns: 'ingest, windows, request log, incidents, failure capture',
    mayImport: ['contracts', 'kernel', 'stats', 'store'],
  },
  sdk: { owns: 'typed client made from the route table', mayImport: ['contracts'] },
  lab: {
    owns: 'the checks',
    mayImport: ['contracts', 'kernel', 'stats', 'store', 'sdk', 'dialects', 'pricing', 'artifacts', 'sizing'],
  },
  changes: {
    owns: 'the change machine: gates, evidence, verdict, audit, report',
    mayImport: ['contracts', 'kernel', 'stats', 'store', 'lab', 'fleet'],
  },
  batches: {
    owns: 'files of clients, and batches of requests over them that are asked through a gateway',
    mayImport: ['contracts', 'kernel', 'store'],
  },
  api: {
    owns: 'control API handlers',
    mayImport: ['contracts', 'kernel', 'store', 'fleet', 'telemetry', 'lab', 'changes', 'batches'],
  },
  apps: {
    owns: 'composition roots; the only place that reads the environment and calls constructors',
    mayImport: [
      'contracts',
      'kernel',
      'stats',
      'artifacts',
      'sizing',
      'store',
      'link',
      'routing',
      'dialects',
      'pricing',
      'providers',
      'gateway',
      'serving',
      'fleet',
      'telemetry',
      'sdk',
      'lab',
      'changes',
      'batches',
      'api',
    ],
  },
  sim: {
    owns: 'simulation that runs the real deciders on a virtual clock',
    mayImport: ['contracts', 'kernel', 'stats', 'routing', 'fleet', 'serving'],
  },
  cli: {
    owns: 'commands and their output',
    mayImport: [
      'contracts',
      'kernel',
      'stats',
      'sdk',
      'sim',
      'lab',
      'pricing',
      'artifacts',
      'sizing',
      'apps',
    ],
  },
}
