// Written by `npm run codes` from conformance/codes.json: the codes of errors (2000 to 2999) and of closed connections
// (3000 and above), as docs/protocol.md tells them.

export const BAD_REQUEST = 2000;
export const UNAUTHORIZED = 2001;
export const STATE = 2002;
export const FORBIDDEN = 2003;
export const NOT_FOUND = 2004;
export const LIMIT = 2005;
export const RATE_LIMITED = 2006;
export const TOO_LARGE = 2007;
export const UNAVAILABLE = 2008;
export const TIMEOUT = 2009;
export const INTERNAL = 2010;
export const BUSY = 2011;
export const CLOSE_SHUTDOWN = 3001;
export const CLOSE_SLOW = 3002;
export const CLOSE_LOST = 3003;
export const CLOSE_OVERLOADED = 3004;
export const CLOSE_FAULT = 3005;
export const CLOSE_UNAUTHORIZED = 3500;
export const CLOSE_CONNECT_TIMEOUT = 3501;
export const CLOSE_FLOOD = 3502;
export const CLOSE_TOKEN_EXPIRED = 3503;
export const CLOSE_DISCONNECTED = 3504;
export const CLOSE_REPLACED = 3505;
export const CLOSE_TOKEN_REVOKED = 3506;

/** All of them by name. */
export const CODES = {
  badRequest: BAD_REQUEST,
  unauthorized: UNAUTHORIZED,
  state: STATE,
  forbidden: FORBIDDEN,
  notFound: NOT_FOUND,
  limit: LIMIT,
  rateLimited: RATE_LIMITED,
  tooLarge: TOO_LARGE,
  unavailable: UNAVAILABLE,
  timeout: TIMEOUT,
  internal: INTERNAL,
  busy: BUSY,
  closeShutdown: CLOSE_SHUTDOWN,
  closeSlow: CLOSE_SLOW,
  closeLost: CLOSE_LOST,
  closeOverloaded: CLOSE_OVERLOADED,
  closeFault: CLOSE_FAULT,
  closeUnauthorized: CLOSE_UNAUTHORIZED,
  closeConnectTimeout: CLOSE_CONNECT_TIMEOUT,
  closeFlood: CLOSE_FLOOD,
  closeTokenExpired: CLOSE_TOKEN_EXPIRED,
  closeDisconnected: CLOSE_DISCONNECTED,
  closeReplaced: CLOSE_REPLACED,
  closeTokenRevoked: CLOSE_TOKEN_REVOKED,
} as const;
