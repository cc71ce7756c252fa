import type { IncomingMessage } from "node:http";
import { ApiError, BadRequestError } from "./api-error.ts";

/**
 * What a client of a UNIX socket has a reason to send: localhost, or an address where a relay such
 * as socat stands before it. A page that had its name rebound sends that name.
 */
const HOST =
  /^((localhost|evenkeel|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?)?$/i;

/** Headers that only browsers send, or proxies on their behalf. */
const BROWSER_HEADERS = ["origin", "referer", "sec-fetch-site", "sec-fetch-mode"] as const;

/**
 * Refuses what a web page could send through some relay in front of the socket: any Host that is a
 * name but localhost (DNS rebinding), any sign of a browser. Throws ApiError FOREIGN_REQUEST.
 */
export function guardRequest(request: IncomingMessage): void {
  const host = request.headers.host ?? "";
  if (!HOST.test(host)) {
    throw new ApiError(
      "FOREIGN_REQUEST",
      "Host header refused: ask for http://localhost/ over the UNIX socket",
    );
  }
  const found = BROWSER_HEADERS.find((name) => request.headers[name] !== undefined);
  if (found !== undefined) {
    throw new ApiError("FOREIGN_REQUEST", `requests with a ${found} header are refused`);
  }
}

/** The whole body as text; throws ApiError TOO_LARGE as soon as it is known to be longer. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(part);
  }
  return decode(Buffer.concat(chunks));
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BadRequestError("the body is not UTF-8 text", { cause: error });
  }
}

function tooLarge(bytesMax: number): ApiError {
  return new ApiError("TOO_LARGE", `the body is larger than ${bytesMax} bytes`);
}
