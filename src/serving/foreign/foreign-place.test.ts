import { expect, test } from 'vitest'
import { placeOf, urlOf } from './foreign-place.ts'

test.each([
  ['unix:/run/link.sock', '127.0.0.1', undefined, /^http:\/\/127\.0\.0\.1:\d+$/],
  ['tcp:10.0.0.7:9000', '10.0.0.7', 9000, /^http:\/\/10\.0\.0\.7:9000$/],
  ['tcp:127.0.0.1:0', '127.0.0.1', undefined, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/],
  ['tcp:[fd00::7]:9000', 'fd00::7', 9000, /^http:\/\/\[fd00::7\]:9000$/],
])('%s', async (address, host, port, url) => {
  const place = await placeOf(address)
  expect(place.host).toBe(host)
  if (port !== undefined) expect(place.ports[0]).toBe(port)
  expect(urlOf(place)).toMatch(url)
  expect(new Set(place.ports).size).toBe(3)
})
