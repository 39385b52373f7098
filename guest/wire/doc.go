// Package wire is the contract between the harness on the host and the agent in the guest: the framing of
// messages, the operations, and their requests and answers.
//
// Beside cause, it is the only package that both sides import, so it holds types and the framing and nothing that acts.
//
// Both sides talk over one virtio-serial port. Every message is a [Frame]: a four-byte little-endian length and
// that many bytes of JSON, of which the body comes last. Requests carry an ID; the agent answers each exactly once, in any order, because it
// serves requests concurrently. The agent never speaks first except for [Ready], which it sends once, after boot,
// with ID 0.
//
// An operation is a value of type [Op] that ties a name to the types of its request and its answer, so that
// neither side can get them wrong.
package wire
