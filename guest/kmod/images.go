package kmod

import (
	"fmt"
	"sync"

	"ktcp/guest/wire"
)

// Images keeps the last image of each module, for requests that bring none. The zero value is ready.
type Images struct {
	mu   sync.Mutex
	last map[string][]byte
}

// Fill gives a request without an image the last one of that name, and keeps the image of any other.
func (i *Images) Fill(req *wire.InsmodRequest) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(req.Image) == 0 {
		image, ok := i.last[req.Name]
		if !ok {
			return fmt.Errorf("insmod %s: no image of it was ever sent", req.Name)
		}
		req.Image = image
		return nil
	}
	if i.last == nil {
		i.last = map[string][]byte{}
	}
	i.last[req.Name] = req.Image
	return nil
}
