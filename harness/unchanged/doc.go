// Package unchanged remembers which scenarios have passed, and what they were made of, so that the next run of all of them may leave out those
// of which nothing has changed since: with one line of khttpd edited, what is held to kecho need not run again.
//
// Its contract: a pass is found only by the very same test binary, for the very same guest, and the caller compares all else that it was made
// of. What is not known to have passed runs. A note that cannot be read is none.
package unchanged
