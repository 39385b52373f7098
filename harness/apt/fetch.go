package apt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Show returns what apt knows of the packages named ("name" or "name=version"), or [ErrUnknown].
func (a *Apt) Show(ctx context.Context, names []string) ([]Stanza, error) {
	text, err := a.Query(ctx, "", append([]string{"apt-cache", "show", "--no-all-versions"}, names...)...)
	var failed *CommandError
	if errors.As(err, &failed) && strings.Contains(failed.Output, "No packages found") {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	stanzas := parseStanzas(text)
	if len(stanzas) < len(names) {
		return nil, ErrUnknown
	}
	return stanzas, nil
}

// Unpack downloads packages and unpacks them, one over another, into dir, which exists.
func (a *Apt) Unpack(ctx context.Context, dir string, packages ...Package) error {
	debs := filepath.Join(dir, ".debs")
	if err := os.Mkdir(debs, 0o755); err != nil {
		return err
	}
	argv := []string{"apt-get", "-q", "download"}
	for _, pkg := range packages {
		argv = append(argv, pkg.Name+"="+pkg.Version)
	}
	if _, err := a.Query(ctx, debs, argv...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	if len(files) != len(packages) {
		return fmt.Errorf("apt-get download: %d packages instead of %d", len(files), len(packages))
	}
	for _, f := range files {
		if _, err := Run(ctx, dir, nil, "dpkg-deb", "-x", f, dir); err != nil {
			return err
		}
	}
	return os.RemoveAll(debs)
}
