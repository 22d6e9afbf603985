import type { JsonObject, PlainProvider, PlainSurface } from '../dialect.ts'
import { Place } from '../json/place.ts'
import { plainFieldOf, wholeAnswer, wholeGlance } from './embeddings.ts'
import { charactersIn } from './glance.ts'

/** `POST /v1/moderations` has no neutral form: body and answer go through, but for the model's name. */
export const moderationsSurface: PlainSurface<JsonObject, JsonObject> = {
  glance: (body) => wholeGlance(body, charactersIn(body.input)),
  readRequest(body) {
    const root = new Place(body)
    if (root.at('input').isAbsent) root.at('input').fail('is required')
    const { params: _, ...rest } = body
    return rest
  },
  fieldOf: plainFieldOf({}),
  writeAnswer: (answer, { model }) => ({ ...answer, model }),
}

export const moderationsProvider: PlainProvider<JsonObject, JsonObject> = {
  writeRequest: (body, model) => ({ ...body, model }),
  readAnswer: wholeAnswer,
}
