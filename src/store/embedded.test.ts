import { conformsToStore } from './store.conformance.ts'
import { openTestStore } from './testing.ts'

conformsToStore('embedded store', (clock) => openTestStore({ clock }))
