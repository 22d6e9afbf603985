import { z } from 'zod'
import { limitRule } from '../keys.ts'
import { priceOverride } from '../price.ts'
import { apisOfKind, newProvider, provider, providerName } from '../provider.ts'
import { route } from '../route.ts'
import { servingPolicy } from '../serving-policy.ts'
import { gatewayTextState, textStats } from '../text-stats.ts'
import { byModel } from './shared.ts'

const all = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })
const ruleName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)

/** How text is served: who is asked, by which rules, within which limits, at which prices. */
export const textSettingsRoutes = {
  getTextStats: route({
    method: 'GET',
    path: '/api/v1/models/{model}/text-stats',
    listener: 'control',
    access: 'read',
    summary:
      'What a model of text answered: tokens, costs, first tokens, fallbacks, caches, rules, and who is asked; the last hour where no times are given, a week at most.',
    params: byModel,
    query: z.object({
      fromMs: z.coerce.number().int().optional(),
      toMs: z.coerce.number().int().optional(),
      sizeMs: z.coerce.number().int().min(60_000).max(86_400_000).default(60_000),
    }),
    answer: textStats,
  }),
  postTextState: route({
    method: 'POST',
    path: '/internal/v1/text-state',
    listener: 'control',
    access: 'internal',
    summary: 'What a gateway knows of its text traffic now: accounts, ladders, hedges.',
    body: gatewayTextState,
  }),
  listProviders: route({
    method: 'GET',
    path: '/api/v1/providers',
    listener: 'control',
    access: 'read',
    summary: 'Providers; their secrets are named, never shown.',
    answer: all(provider),
  }),
  putProvider: route({
    method: 'PUT',
    path: '/api/v1/providers/{provider}',
    listener: 'control',
    access: 'admin',
    summary: 'Make or replace a provider; If-Match guards against a lost update.',
    params: z.object({ provider: providerName }),
    body: newProvider
      .omit({ name: true })
      .refine(({ api, kind }) => api === undefined || apisOfKind[kind]?.includes(api) === true, {
        path: ['api'],
        error: 'This kind of provider has no such API.',
      }),
    answer: provider,
  }),
  deleteProvider: route({
    method: 'DELETE',
    path: '/api/v1/providers/{provider}',
    listener: 'control',
    access: 'admin',
    summary: 'Forget a provider that no deployed version needs.',
    params: z.object({ provider: providerName }),
  }),
  getServingPolicy: route({
    method: 'GET',
    path: '/api/v1/models/{model}/serving-policy',
    listener: 'control',
    access: 'read',
    summary: 'Ladder, caches, hedging and stream rules of a model of text; its ETag is the revision.',
    params: byModel,
    answer: servingPolicy,
  }),
  putServingPolicy: route({
    method: 'PUT',
    path: '/api/v1/models/{model}/serving-policy',
    listener: 'control',
    access: 'deploy',
    summary: 'Set it; If-Match guards against a lost update.',
    params: byModel,
    body: servingPolicy,
    answer: servingPolicy,
  }),
  listLimits: route({
    method: 'GET',
    path: '/api/v1/limits',
    listener: 'control',
    access: 'read',
    summary: 'Limits of tenants and models.',
    answer: all(limitRule),
  }),
  putLimit: route({
    method: 'PUT',
    path: '/api/v1/limits/{limit}',
    listener: 'control',
    access: 'admin',
    summary: 'Make or replace a limit.',
    params: z.object({ limit: ruleName }),
    body: limitRule.omit({ name: true }),
    answer: limitRule,
  }),
  deleteLimit: route({
    method: 'DELETE',
    path: '/api/v1/limits/{limit}',
    listener: 'control',
    access: 'admin',
    summary: 'Lift a limit.',
    params: z.object({ limit: ruleName }),
  }),
  listPrices: route({
    method: 'GET',
    path: '/api/v1/prices',
    listener: 'control',
    access: 'read',
    summary: 'Own prices, which go before the catalogue.',
    answer: all(priceOverride),
  }),
  putPrice: route({
    method: 'PUT',
    path: '/api/v1/prices',
    listener: 'control',
    access: 'admin',
    summary: 'Add a price, or replace the one of the same provider, model and day.',
    body: priceOverride,
    answer: priceOverride,
  }),
}
