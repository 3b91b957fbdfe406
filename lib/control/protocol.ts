import type { ErrorCode } from '../errors.js'

/** `GET /v1`: who answers here. Answered while the balancer is still starting, too. */
export interface ProcessStatus {
  readonly pid: number
  /** Does the balancer forward? Until it does, every other endpoint answers 503. */
  readonly ready: boolean
}

/** The body of every answer that is not 200. `INTERNAL` stands for a fault of the balancer itself. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode | 'INTERNAL'; readonly message: string }
}

/** The status codes of HTTP (RFC 9110 §15) that errors of the library are answered with. */
export const httpStatuses: Readonly<Record<ErrorCode, number>> = {
  CONFIG: 422,
  USAGE: 400,
  PERMISSION: 403,
  UNSUPPORTED: 501,
  VERIFIER: 500,
  BUSY: 503,
  NOT_FOUND: 404,
  SYSCALL: 500,
  CLOSED: 503,
}
