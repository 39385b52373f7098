package kbuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
)

// cacheKind is the place of modules in the cache.
const cacheKind = "modules"

// layout changes when entries are laid out, or modules built, differently.
const layout = "1"

// keepUnused is how long a build that nobody asks for stays in the cache. Every edit makes a new one.
const keepUnused = 30 * 24 * time.Hour

// attempts is how often a build starts over because the source was edited under it.
const attempts = 3

// diskReserve is the room in bytes below which a build is not expected to work.
const diskReserve = 1 << 20

// errChanged tells that the source was not the same any more when it was copied.
var errChanged = errors.New("the source keeps changing while it is built")

// Build returns the module that s asks for, built now or earlier. Errors are a [*CompileError], or wrap [ErrNotModule],
// [ErrAmbiguous], [ErrNoModule], [ErrMissingTool], [ErrTooLarge], [ErrBadPath] or [cache.ErrUnusable].
func Build(ctx context.Context, s Spec) (*Module, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	at, err := s.locate()
	if err != nil {
		return nil, err
	}
	tools, err := findToolchain(ctx, s.Kernel.CC)
	if err != nil {
		return nil, err
	}
	for range attempts {
		var m *Module
		if m, err = s.build(ctx, at, tools); !errors.Is(err, errChanged) {
			return m, err
		}
	}
	return nil, fmt.Errorf("%s: %w", at.source(), err)
}

// build is one attempt at Build.
func (s Spec) build(ctx context.Context, at place, tools toolchain) (*Module, error) {
	source := &tree{root: at.root}
	digest, frame, err := source.scan(ctx)
	if err != nil {
		return nil, err
	}
	j := &job{Spec: s, at: at, tools: tools, source: source, digest: digest}
	// The arguments for a place that is always the same stand for all flags.
	flags := strings.Join(arguments(s.Kernel, "cc", "/copy", at.dir, 1), " ")
	flags = strings.ReplaceAll(flags, s.Kernel.Build, "/build")
	if s.Foreign {
		// A makefile may notice that it is locked up: what it makes then is not what it makes elsewhere.
		caged, err := locksUp()
		if err != nil {
			return nil, err
		}
		flags += fmt.Sprintf(" foreign=%v", caged)
	}
	j.workshop = cache.Key(layout, frame, at.dir, s.Kernel.ID, s.Kernel.Build, tools.cc, tools.version, flags)
	key := cache.Key(layout, digest, at.dir, s.Kernel.ID, tools.version, flags)
	entry, err := s.Cache.Entry(ctx, cacheKind, key, j.run)
	if err != nil {
		return nil, err
	}
	m, err := load(entry, key, s.Name, at)
	if errors.Is(err, fs.ErrNotExist) {
		// Entries are complete when they are made, so somebody has removed files from this one.
		s.logf("%s is damaged (%v): building it again", entry, err)
		if err := s.Cache.Drop(ctx, cacheKind, key); err != nil {
			return nil, err
		}
		if entry, err = s.Cache.Entry(ctx, cacheKind, key, j.run); err != nil {
			return nil, err
		}
		m, err = load(entry, key, s.Name, at)
	}
	if j.done {
		if err := errors.Join(s.Cache.Prune(ctx, cacheKind, keepUnused), s.Cache.Prune(ctx, workshopKind, keepWorkshop)); err != nil {
			s.logf("old builds stay in the cache: %v", err)
		}
	}
	return m, err
}

// job is one build that is really made.
type job struct {
	Spec
	at       place
	tools    toolchain
	source   *tree
	digest   string // of the source
	workshop string // key
	done     bool
}

// run fills an entry: it copies the source, runs kbuild in the copy and keeps the modules.
func (j *job) run(ctx context.Context, entry string) (err error) {
	j.logf("building %s for %s", shorter(j.at.source(), workingDir()), j.Kernel.Release)
	w, err := openWorkshop(ctx, j.Cache, j.workshop)
	if err != nil {
		return err
	}
	intact := false
	// What a stranger's makefile leaves behind is not built in again: its links may lead anywhere, its objects be of other sources.
	defer func() { err = errors.Join(err, w.close(intact && !j.Foreign)) }()
	inside, err := os.OpenRoot(w.source())
	if err != nil {
		return err
	}
	defer inside.Close()
	if err := j.source.copyTo(w.source()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return errors.Join(errChanged, err)
		}
		return err
	}
	if got, err := j.source.copied(w.source()); err != nil || got != j.digest {
		return errors.Join(errChanged, err)
	}
	// A module that the makefile does not make any more must not be taken for one that it does.
	if err := removeModules(inside, j.at.dir); err != nil {
		return err
	}
	said, intact, err := runMake(ctx, j.Kernel, j.tools, w, j.at.dir, j.Foreign)
	said = withoutNoise(mark(said, w.source(), j.at.dir))
	for _, link := range j.source.outside {
		said += fmt.Sprintf("ktcp: %s/%s was left out: the link leads outside of the source\n", rootMark, link)
	}
	if err != nil {
		return j.failure(ctx, said, err)
	}
	files, err := findModules(inside, j.at.dir)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%w: the build of %s makes no .ko: its Kbuild or Makefile needs a line such as \"obj-m := %s.o\"",
			ErrNotModule, shorter(j.at.source(), workingDir()), filepath.Base(j.at.source()))
	}
	j.done = true
	return j.keep(ctx, inside, files, said, entry)
}

// failure explains why make failed.
func (j *job) failure(ctx context.Context, said string, err error) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil, !errors.As(err, &exit):
		return err
	case j.full(said):
		return fmt.Errorf("build module: %w", syscall.ENOSPC)
	}
	cwd := workingDir()
	said = unmark(said, j.at.shown, cwd)
	first, count := firstError(said)
	return &CompileError{Source: shorter(j.at.source(), cwd), First: first, Count: count, Output: said, Err: err}
}

// full reports whether the cache's file system is, by what a tool said or by how much room there is: compilers say so in
// many ways, or crash.
func (j *job) full(said string) bool {
	if strings.Contains(said, "No space left on device") {
		return true
	}
	var fs unix.Statfs_t
	return unix.Statfs(j.Cache.Root(), &fs) == nil && int64(fs.Bavail)*fs.Bsize < diskReserve
}

// maxModule is the most that a .ko holds, in bytes: with all debugging information, modules have a few MiB.
const maxModule = 256 << 20

// findModules returns the paths of all .ko below dir, a directory of the workshop's, sorted by name.
func findModules(inside *os.Root, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(inside.FS(), filepath.ToSlash(dir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".ko") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for modules: %w", err)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return files, nil
}

// removeModules removes all .ko below dir.
func removeModules(inside *os.Root, dir string) error {
	files, err := findModules(inside, dir)
	for _, f := range files {
		err = errors.Join(err, inside.Remove(f))
	}
	return err
}

// keep writes the modules, without DWARF too, and what make said to the entry.
func (j *job) keep(ctx context.Context, inside *os.Root, files []string, said, entry string) error {
	for _, d := range []string{koDir, strippedDir} {
		if err := os.Mkdir(filepath.Join(entry, d), 0o755); err != nil {
			return err
		}
	}
	m := meta{Log: said}
	for _, path := range files {
		file := filepath.Base(path)
		m.Files = append(m.Files, file)
		kept := filepath.Join(entry, koDir, file)
		if err := keepModule(inside, path, kept); err != nil {
			return err
		}
		out, err := exec.CommandContext(ctx, j.tools.strip, "--strip-debug", "-o", filepath.Join(entry, strippedDir, file), kept).CombinedOutput()
		if err != nil && ctx.Err() == nil && j.full(string(out)) {
			err = syscall.ENOSPC
		}
		if err != nil {
			return fmt.Errorf("strip %s: %w: %s", file, err, strings.TrimSpace(string(out)))
		}
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(entry, metaFile), append(text, '\n'), 0o644)
}

// keepModule copies a .ko out of the workshop. It is what make left there, of any size.
func keepModule(inside *os.Root, path, kept string) (err error) {
	src, err := inside.Open(path)
	if err != nil {
		return fmt.Errorf("keep module: %w", err)
	}
	defer src.Close()
	if info, err := src.Stat(); err != nil {
		return fmt.Errorf("keep module: %w", err)
	} else if info.Size() > maxModule {
		return fmt.Errorf("%w: %s has %d bytes, and a module has %d MiB at most", ErrTooLarge, filepath.Base(path), info.Size(), maxModule>>20)
	}
	dst, err := os.OpenFile(kept, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("keep module: %w", err)
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if _, err := io.Copy(dst, src); err != nil {
		return fmt.Errorf("keep module: %w", err)
	}
	return nil
}
