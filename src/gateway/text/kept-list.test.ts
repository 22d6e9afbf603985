import { fc, test as property } from '@fast-check/vitest'
import { expect } from 'vitest'
import { KeptList } from './kept-list.ts'

property.prop([fc.array(fc.record({ adds: fc.boolean(), which: fc.nat(9) }), { maxLength: 60 })])(
  'holds what was added and not removed, each once',
  (acts) => {
    const items = Array.from({ length: 10 }, (_, name) => ({ name, place: -1 }))
    const list = new KeptList<(typeof items)[number]>()
    const model = new Set<number>()
    for (const { adds, which } of acts) {
      const item = items[which]!
      if (adds) {
        list.add(item)
        model.add(which)
      } else {
        list.remove(item)
        model.delete(which)
      }
      const seen: number[] = []
      list.forEach(({ name }) => void seen.push(name))
      expect(seen.sort()).toEqual([...model].sort())
    }
  },
)

property.prop([fc.uniqueArray(fc.nat(20), { maxLength: 10 }), fc.func(fc.boolean())])(
  'may lose the one that is looked at while it is walked',
  (names, goes) => {
    const list = new KeptList<{ name: number; place: number }>()
    for (const name of names) list.add({ name, place: -1 })
    const seen: number[] = []
    list.forEach((item) => {
      seen.push(item.name)
      if (goes(item.name)) list.remove(item)
    })
    expect(seen.sort()).toEqual([...names].sort())
    const left: number[] = []
    list.forEach(({ name }) => void left.push(name))
    expect(left.sort()).toEqual(names.filter((name) => !goes(name)).sort())
  },
)
