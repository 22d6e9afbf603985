import { type DialectName, type JsonObject, UnsupportedFeature } from '../dialect.ts'

/** Extras of a dialect that is no surface: the fields it has without a neutral form, and no other. Throws `UnsupportedFeature`. */
export function extrasAmong(
  extras: JsonObject | undefined,
  known: readonly string[],
  dialect: DialectName,
): JsonObject {
  for (const name of Object.keys(extras ?? {}))
    if (!known.includes(name)) throw new UnsupportedFeature(`extras.${name}`, dialect)
  return extras ?? {}
}

/** Sets a field, unless there is nothing to say. */
export function put(body: JsonObject, name: string, value: unknown): void {
  if (value !== undefined) body[name] = value
}

/** Throws `UnsupportedFeature` for the first of these keys that says something. */
export function refuseKeys<Request extends object>(
  request: Request,
  lacks: readonly (keyof Request & string)[],
  dialect: DialectName,
): void {
  for (const lack of lacks) if (request[lack] !== undefined) throw new UnsupportedFeature(lack, dialect)
}

/** Sets each field that says something, by the name that the dialect has for it. */
export function putNamed<Request extends object>(
  body: JsonObject,
  request: Request,
  names: Readonly<Partial<Record<keyof Request & string, string>>>,
): void {
  for (const [key, name] of Object.entries(names) as [keyof Request, string][]) put(body, name, request[key])
}
