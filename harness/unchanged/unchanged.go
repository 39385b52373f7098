package unchanged

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"ktcp/harness/cache"
)

// Variable is the environment variable that tells a test binary what to do with passes: [LeaveOut], [Renew], or nothing, which is to
// neither look at them nor note any.
const Variable = "KTCP_UNCHANGED"

// What [Variable] may say.
const (
	LeaveOut = "leave-out" // scenarios that passed as they are
	Renew    = "renew"     // run all, and note what passes
)

// The place of passes in the cache, how long they count, and the file of one. A kernel's security update, a new compiler or a new QEMU makes
// other guests or modules, so that age is no part of the argument; but who has not looked for a week should see things run.
const (
	kind   = "passes"
	age    = 7 * 24 * time.Hour
	noteIn = "pass.json"
)

// Pass is a scenario that passed.
type Pass struct {
	Scenario string            `json:"scenario"`
	When     time.Time         `json:"when"`
	Run      string            `json:"run"`  // the directory of its evidence, which may be gone
	Made     map[string]string `json:"made"` // of what, by name: "module/kecho": the digest of its build
}

// Book is the passes of this test binary.
type Book struct {
	cache   *cache.Dir
	program string // its digest
}

// Open returns the passes of the running program.
func Open(c *cache.Dir) (*Book, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("passes: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("passes: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("passes: digest %s: %w", path, err)
	}
	return &Book{cache: c, program: hex.EncodeToString(h.Sum(nil))}, nil
}

func (b *Book) key(guest, scenario string) string { return cache.Key(b.program, guest, scenario) }

// Find returns the last pass of a scenario in a guest of that identity, unless it is too long ago.
func (b *Book) Find(guest, scenario string) (p Pass, ok bool) {
	text, err := os.ReadFile(filepath.Join(b.cache.Root(), kind, b.key(guest, scenario), noteIn))
	if err != nil || json.Unmarshal(text, &p) != nil {
		return Pass{}, false
	}
	return p, p.Scenario == scenario && time.Since(p.When) < age
}

// Keep notes a pass in place of an earlier one.
func (b *Book) Keep(ctx context.Context, guest string, p Pass) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("note that %s passed: %w", p.Scenario, err)
	}
	key := b.key(guest, p.Scenario)
	if err := b.cache.Drop(ctx, kind, key); err != nil {
		return fmt.Errorf("note that %s passed: %w", p.Scenario, err)
	}
	_, err = b.cache.Entry(ctx, kind, key, func(_ context.Context, tmp string) error {
		return os.WriteFile(filepath.Join(tmp, noteIn), text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("note that %s passed: %w", p.Scenario, err)
	}
	return nil
}

// Forget drops the pass of a scenario that has failed as it is: it must not be left out until it passes again.
func (b *Book) Forget(ctx context.Context, guest, scenario string) error {
	if err := b.cache.Drop(ctx, kind, b.key(guest, scenario)); err != nil {
		return fmt.Errorf("forget that %s passed: %w", scenario, err)
	}
	return nil
}

// Prune forgets what is too old to count.
func (b *Book) Prune(ctx context.Context) error { return b.cache.Prune(ctx, kind, age) }
