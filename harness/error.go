package harness

import "errors"

var errLogOverrun = errors.New("the kernel log overran: records are missing")
