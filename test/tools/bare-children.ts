/**
 * Loaded before each test, see `.taprc`: what a test starts is what users run. For coverage tap has every Node program
 * that a test starts, and those that it starts in turn, load its hooks, which doubles the time that each takes to start.
 */
import { createRequire } from 'node:module'

createRequire(import.meta.url)('process-on-spawn').removeAllListeners()
delete process.env.NODE_OPTIONS
