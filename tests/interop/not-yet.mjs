// What is known not to work yet, in one place. An entry that works by now is reported as a failure, so
// that the list cannot outlive its reason.
export const notYet = { conformance: {}, pairs: [] };
