// Package conns opens TCP connections and listening sockets for the host and keeps them until they are closed: clients
// that connect and wait, send half a request, close with FIN or RST, or never read.
//
// Its contract: a socket belongs to the namespace in which it was opened, also after that namespace's name is
// gone. What happened on the wire is told exactly: end of stream, reset, silence and every other errno are different
// answers. A request that waits is woken when its connection is closed.
package conns
