import { AgentError } from "#lib/base/errors.ts";

/** Refusals of the sockets: `status` is the HTTP status, the name is stable. */
const STATUS_OF = {
  BAD_REQUEST: 400,
  FOREIGN_REQUEST: 403,
  READ_ONLY: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  TOO_LARGE: 413,
  HEADERS_TOO_LARGE: 431,
  BUSY: 503,
} as const;

export type ApiErrorCode = keyof typeof STATUS_OF;

/** Thrown by a handler or guard to refuse one request; the message goes to the client as it is. */
export class ApiError extends AgentError {
  readonly code: ApiErrorCode;
  readonly status: number;

  constructor(code: ApiErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.status = STATUS_OF[code];
  }
}

/** The most common refusal: what was sent does not fit. */
export class BadRequestError extends ApiError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("BAD_REQUEST", message, options);
  }
}
