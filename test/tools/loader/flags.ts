/** What Node is to be told before it runs something here that is written in TypeScript. */
export const flags = ['--import', new URL('register.js', import.meta.url).href]
