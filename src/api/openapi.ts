import { z } from 'zod'
import { problem, type Route, routes } from '../contracts/index.ts'

/** OpenAPI 3.1 (schemas are JSON Schema 2020-12, as zod renders them) from the route table. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const operations = paths[route.path] ?? {}
    paths[route.path] = operations
    const method = route.method.toLowerCase()
    const taken = operations[method]
    // A path that both listeners offer (health, metrics) is told once; the control's words win.
    if (taken === undefined || route.listener === 'control') operations[method] = operation(name, route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Slipway',
      version,
      description:
        'Predictions are answered by the gateway, everything else by control. Errors are RFC 9457 problems.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      { url: 'http://127.0.0.1:8081', description: 'control' },
      { url: 'http://127.0.0.1:8080', description: 'gateway' },
    ],
    paths: Object.fromEntries(Object.entries(paths).sort(([left], [right]) => (left < right ? -1 : 1))),
    components: {
      schemas: { Problem: jsonSchema(problem, 'output') },
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key: `slw_<publicId>_<secret>`.' },
      },
    },
  }
}

function operation(name: string, route: Route): Record<string, unknown> {
  return {
    operationId: name,
    summary: route.summary,
    tags: [route.listener],
    ...(route.access === 'public' ? { security: [] } : { security: [{ key: [route.access] }] }),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: bodyContent(route) } }),
    responses: {
      [route.status ?? (route.answer === undefined ? 204 : 200)]: answer(route),
      default: {
        description: 'A problem, RFC 9457.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function bodyContent(route: Route): Record<string, unknown> {
  if (route.body === 'bytes') return { 'application/octet-stream': {} }
  return { 'application/json': { schema: jsonSchema(route.body as z.ZodType, 'input') } }
}

function answer(route: Route): Record<string, unknown> {
  const description = route.answer === undefined ? 'Done.' : 'The answer.'
  switch (route.answer) {
    case undefined:
      return { description }
    case 'bytes':
      return { description, content: { 'application/octet-stream': {} } }
    case 'text':
      return { description, content: { 'text/plain': { schema: { type: 'string' } } } }
    case 'events':
      return { description, content: { 'text/event-stream': { schema: { type: 'string' } } } }
    default:
      return { description, content: { 'application/json': { schema: jsonSchema(route.answer, 'output') } } }
  }
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): unknown[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, unknown>
    required?: string[]
  }
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: of,
  }))
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rendered } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rendered
}
