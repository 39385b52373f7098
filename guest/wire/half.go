package wire

// DialHalf begins connections and never finishes them: the answer to the SYN comes, and is thrown away before TCP sees it. So the
// server keeps each as a request, in SYN_RECV, and says its SYN-ACK again, until it gives up or the handle is closed. It returns as soon as
// the SYNs are sent. The handles are as those of [DialMany]; [CloseMany] and [CloseAll] close them.
var DialHalf = Op[DialHalfRequest, DialManyAnswer]{"dial-half"}

// DialHalfRequest begins Count connections.
type DialHalfRequest struct {
	Netns string `json:"netns,omitempty"`
	Addr  string `json:"addr"`
	Count int    `json:"count"`
}
