package netns

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// slabDir is the cache that struct net is allocated from. The initial namespace is not in it.
const slabDir = "/sys/kernel/slab/net_namespace"

// Live returns the number of network namespaces that exist beside the initial one, whoever keeps them alive.
func Live() (int, error) { return liveIn(slabDir) }

func liveIn(dir string) (int, error) {
	// Without tracking, objects counts free ones too that lie in a slab of some CPU, and caches of equal size are one.
	tracked, err := os.ReadFile(filepath.Join(dir, "store_user"))
	if err != nil || !bytes.HasPrefix(tracked, []byte("1")) {
		return 0, ErrUncountable
	}
	objects, err := os.ReadFile(filepath.Join(dir, "objects"))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUncountable, err)
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(objects), []byte(" ")) // "3 N0=3"
	n, err := strconv.Atoi(string(first))
	if err != nil {
		return 0, fmt.Errorf("%w: objects of %s: %w", ErrUncountable, dir, err)
	}
	return n, nil
}

// shrink has the cache give back what it only keeps: under KASAN freed objects stay in quarantine, and count.
func shrink() {
	_ = os.WriteFile(filepath.Join(slabDir, "shrink"), []byte("1"), 0)
}
