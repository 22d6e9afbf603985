export { type Credentials, readCredentials } from './credentials.ts'
export { type DataFolder, dataFolder, writeWhole } from './data-folder.ts'
export { packageRoot } from './entry.ts'
export { lastLogLines, runningAllInOne, startAllInOne, stopAllInOne } from './start.ts'
