import { register } from 'node:module'

// Loaded before each test, see `.taprc`, and before whatever is written in TypeScript that a test starts. From
// NODE_OPTIONS, because these hooks must be there before tap's own; what a test starts is to be what users run.

register('./hooks.js', import.meta.url)
delete process.env.NODE_OPTIONS
