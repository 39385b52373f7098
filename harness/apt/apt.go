package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"ktcp/harness/cache"
)

// systemLists is where apt keeps the package lists that root updates.
const systemLists = "/var/lib/apt/lists"

// killGrace is how long a command that was told to stop may take before it is killed.
const killGrace = 3 * time.Second

// Apt runs the packaging system as an ordinary user. It shares the machine's sources and keys, and keeps its own
// caches, since those of the system are root's.
type Apt struct {
	cache *cache.Dir
	// Dir is private, below the cache.
	Dir string
	// System holds the system's package lists. It is replaced in tests.
	System string
}

// New returns the apt that keeps its files in a cache.
func New(c *cache.Dir) *Apt {
	return &Apt{cache: c, Dir: filepath.Join(c.Root(), "apt"), System: systemLists}
}

// lists is the private copy of the package lists.
func (a *Apt) lists() string { return filepath.Join(a.Dir, "lists") }

// private reports whether the private lists are there and newer than the system's.
func (a *Apt) private() bool { return modTime(a.lists()).After(modTime(a.System)) }

// Stamp changes whenever the package lists do.
func (a *Apt) Stamp() string {
	return fmt.Sprint(modTime(a.System).UnixNano(), modTime(a.lists()).UnixNano())
}

// Age says how old the package lists are, for messages.
func (a *Apt) Age() string {
	newest := modTime(a.System)
	if a.private() {
		newest = modTime(a.lists())
	}
	if newest.IsZero() {
		return "there are no package lists"
	}
	return "package lists of " + newest.Format(time.DateOnly)
}

// modTime is zero for what does not exist.
func modTime(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Query runs apt-cache, apt-get or dpkg-deb in dir and returns what it printed to standard output. One command of
// apt at a time uses the private caches.
func (a *Apt) Query(ctx context.Context, dir string, argv ...string) (string, error) {
	unlock, err := a.cache.Lock(ctx, "apt", "lists")
	if err != nil {
		return "", err
	}
	defer unlock()
	conf, err := a.configure(a.private())
	if err != nil {
		return "", err
	}
	return Run(ctx, dir, []string{"APT_CONFIG=" + conf}, argv...)
}

// Update fetches a private copy of the package lists.
func (a *Apt) Update(ctx context.Context) error {
	unlock, err := a.cache.Lock(ctx, "apt", "lists")
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.MkdirAll(filepath.Join(a.lists(), "partial"), 0o755); err != nil {
		return err
	}
	conf, err := a.configure(true)
	if err != nil {
		return err
	}
	_, err = Run(ctx, a.Dir, []string{"APT_CONFIG=" + conf}, "apt-get", "-q", "update")
	fetched, globErr := filepath.Glob(filepath.Join(a.lists(), "*Packages*"))
	if globErr != nil {
		return globErr
	}
	if len(fetched) == 0 {
		// Lists that are empty must not stand in for the system's.
		return errors.Join(err, os.RemoveAll(a.lists()))
	}
	// One source of several may be out of reach. What matters is whether the package is found.
	now := time.Now()
	return os.Chtimes(a.lists(), now, now)
}

// configure writes the configuration that makes apt work without root. It adds to the machine's own, which
// may name proxies and other sources.
func (a *Apt) configure(private bool) (string, error) {
	for _, d := range []string{"cache/archives/partial", "lists/partial"} {
		if d == "lists/partial" && !private {
			continue
		}
		if err := os.MkdirAll(filepath.Join(a.Dir, d), 0o755); err != nil {
			return "", fmt.Errorf("prepare apt: %w", err)
		}
	}
	// apt reads first the file in APT_CONFIG, then the machine's parts, then the main file. The hooks of the parts are for
	// root's caches and must go, which only the main file can say.
	var first, main bytes.Buffer
	if own := os.Getenv("APT_CONFIG"); own != "" {
		fmt.Fprintf(&first, "#include %q;\n", own)
	}
	fmt.Fprintf(&first, "Dir::Etc::main %q;\n", filepath.Join(a.Dir, "main.conf"))
	if _, err := os.Stat("/etc/apt/apt.conf"); err == nil {
		main.WriteString("#include \"/etc/apt/apt.conf\";\n")
	}
	for _, hook := range []string{"Update::Pre-Invoke", "Update::Post-Invoke", "Update::Post-Invoke-Success"} {
		fmt.Fprintf(&main, "#clear APT::%s;\n", hook)
	}
	fmt.Fprintf(&main, "Dir::Cache %q;\n", filepath.Join(a.Dir, "cache"))
	main.WriteString("Dir::Cache::pkgcache \"pkgcache.bin\";\nDir::Cache::srcpkgcache \"srcpkgcache.bin\";\n")
	main.WriteString("Acquire::Languages \"none\";\nAcquire::Retries \"2\";\n")
	for _, target := range []string{"DEP-11", "DEP-11-icons-small", "DEP-11-icons", "DEP-11-icons-large", "CNF", "Contents-deb"} {
		fmt.Fprintf(&main, "Acquire::IndexTargets::deb::%s::DefaultEnabled \"false\";\n", target)
	}
	if private {
		fmt.Fprintf(&main, "Dir::State::lists %q;\n", a.lists())
	}
	if os.Getuid() == 0 {
		// root's downloads would be handed to a user who cannot write to root's cache.
		main.WriteString("APT::Sandbox::User \"root\";\n")
	}
	conf := filepath.Join(a.Dir, "apt.conf")
	return conf, errors.Join(ReplaceFile(filepath.Join(a.Dir, "main.conf"), main.Bytes()), ReplaceFile(conf, first.Bytes()))
}

// ReplaceFile writes a file so that others see the old content or the new.
func ReplaceFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// Run runs a command in dir and returns its standard output. A command that is missing is explained.
func Run(ctx context.Context, dir string, env []string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(env, "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killGrace
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	switch {
	case err == nil:
		return out.String(), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s: %w", argv[0], ctx.Err())
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s %w", argv[0], ErrMissing)
	}
	return "", &CommandError{Argv: argv, Err: err, Output: said.String() + out.String()}
}
