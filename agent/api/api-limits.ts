/** Bounds of what one client, and all together, may take of the agent. Times in ms, sizes in bytes. */
export interface ApiLimits {
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  /** All headers must have come by then: a slow sender holds a connection no longer. */
  readonly headersWaitMs: number;
  /** The whole request must have come by then. */
  readonly requestWaitMs: number;
  readonly keepAliveMs: number;
  /** A connection on which nothing moves for so long is closed; longer than any verb takes. */
  readonly idleWaitMs: number;
  /** How often the two waits above are looked at. */
  readonly checkIntervalMs: number;
  /** Per socket; one more is closed at once. */
  readonly connectionsMax: number;
  /** Readers of the event stream, both sockets together. */
  readonly eventReadersMax: number;
  /** What may wait for one reader of the event stream before it is cut. */
  readonly eventQueueBytesMax: number;
  /** Events kept for readers that come later. */
  readonly eventsKeptMax: number;
  /** A comment line this often shows that the stream lives. */
  readonly eventHeartbeatMs: number;
}

export const defaultApiLimits: ApiLimits = {
  bodyBytesMax: 64 * 1024,
  headerBytesMax: 8 * 1024,
  headersWaitMs: 5_000,
  requestWaitMs: 15_000,
  keepAliveMs: 5_000,
  idleWaitMs: 150_000,
  checkIntervalMs: 5_000,
  connectionsMax: 64,
  eventReadersMax: 16,
  eventQueueBytesMax: 256 * 1024,
  eventsKeptMax: 256,
  eventHeartbeatMs: 15_000,
};
