/**
 * Hard limits of everything that comes from outside. The transport refuses a frame over its limit
 * before unpacking it; the validators refuse a list or text over its own.
 */
export const wireLimits = {
  /** One frame on the stream. */
  frameBytesMax: 256 * 1024,
  /** One message of the news topic. */
  newsBytesMax: 16 * 1024,
  /** One UDP packet, HMAC included. */
  datagramBytesMax: 512,
  digestEntriesMax: 256,
  recordsMax: 64,
  verdictsMax: 64,
  /** Age of a record that is told, ms: far older ones are all the same. */
  ageMsMax: 3_600_000,
  /** How far a word may go from peer to peer. */
  hopsMax: 3,
  /** Also what a digest names once a second: about 30 bytes each. */
  documentsMax: 128,
  documentValueLengthMax: 16 * 1024,
  documentNameLengthMax: 64,
  inventoryVmsMax: 512,
  /** Own members in an inventory, and services at a switch: as many as there may be services. */
  inventoryServicesMax: 120,
  /** Members that a switch tells of, of all services together. */
  switchMembersMax: 1024,
  obstacleLengthMax: 256,
  /** Hosts that a steward changes at once. */
  changingMax: 16,
  addressesMax: 16,
  addressLengthMax: 256,
  hostNameLengthMax: 64,
  groupsMax: 256,
  groupLengthMax: 63,
  reasonLengthMax: 512,
  requestIdLengthMax: 64,
  /** Longest that a host holds memory for an exchange unless it is asked again, ms. */
  holdMsMax: 60_000,
  /** JSON text of a verb's result. */
  resultLengthMax: 64 * 1024,
} as const;
