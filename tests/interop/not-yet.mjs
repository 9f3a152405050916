// What is known not to work yet, in one place. An entry that works by now is reported as a failure, so
// that the list cannot outlive its reason.
export const notYet = {
  conformance: {
    // Mcp-Param-* from the tools' x-mcp-header annotations.
    "2026-07-28": ["http-custom-headers", "http-invalid-tool-headers"],
  },
  // Clients and servers of different eras: client -> server, as in sdk.mjs.
  pairs: [
    "sdk1 -> sdk2 modern", "sdk2 legacy -> sdk2 modern",
    "sdk2 modern -> sdk1 events", "sdk2 modern -> sdk1 json", "sdk2 modern -> sdk2 legacy",
  ],
};
