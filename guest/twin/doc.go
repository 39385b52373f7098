// Package twin is user-echo-server: what kecho does, in user space, to compare with. One thread, an epoll, no logging.
//
// Its contract is kecho's: every byte comes back in order, a peer that half-closes gets the rest of its bytes before the
// end, and one that does not read is not read either. It allocates nothing per message, so that it is as fast as such a
// program can be.
package twin
