package kernel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"ktcp/harness/apt"
)

const (
	// buildLayout changes when flavors are built or laid out differently.
	buildLayout = "2"
	// buildCompiler builds the kernel, and so also every module for it.
	buildCompiler = "gcc"
	// sourceDir and modulesDir are places in the cache's entry: the tree, and what it lacks.
	sourceDir = "linux"
	// buildGrace is how long a build that was told to stop may take before it is killed.
	buildGrace = 3 * time.Second
	// progressEvery is how often a build says how far it is.
	progressEvery = 30 * time.Second
)

// buildTools are what a kernel is built with beside the compiler, and the packages that they are in.
var buildTools = []struct{ command, file, pkg string }{
	{command: "make", pkg: "make"},
	{command: buildCompiler, pkg: "gcc"},
	{command: "ld", pkg: "binutils"},
	{command: "flex", pkg: "flex"},
	{command: "bison", pkg: "bison"},
	{command: "bc", pkg: "bc"},
	{command: "lz4", pkg: "lz4"},
	{command: "xz", pkg: "xz-utils"},
	{command: "tar", pkg: "tar"},
	{file: "/usr/include/gelf.h", pkg: "libelf-dev"},
}

// checkBuildTools reports what is missing to build a kernel.
func checkBuildTools() error {
	var lacking []string
	for _, t := range buildTools {
		if t.command != "" {
			if _, err := exec.LookPath(t.command); err != nil {
				lacking = append(lacking, t.pkg)
			}
		} else if !exists(t.file) {
			lacking = append(lacking, t.pkg)
		}
	}
	if lacking != nil {
		return missingTools(lacking)
	}
	return nil
}

func missingTools(packages []string) error {
	return fmt.Errorf("%w: run: make setup, or: sudo apt-get install %s", ErrNoTools, strings.Join(packages, " "))
}

// compile fetches the source of a plan and builds its flavor in dir.
func (p *provisioner) compile(ctx context.Context, chosen *plan, dir string) error {
	if err := checkBuildTools(); err != nil {
		return err
	}
	if p.MayBuild != nil {
		if err := p.MayBuild(); err != nil {
			return fmt.Errorf("kernel %s is not built yet: %w", chosen.Release, err)
		}
	}
	began := time.Now()
	p.logf("fetching %s %s (%d MB)", chosen.Packages[0].Name, chosen.Packages[0].Version, (chosen.size+500_000)/1_000_000)
	tree, err := p.fetchSource(ctx, chosen, dir)
	if err != nil {
		return err
	}
	asked, err := options(chosen.Flavor, chosen.Series)
	if err != nil {
		return err
	}
	if err := configure(ctx, tree, chosen.Flavor, asked); err != nil {
		return err
	}
	if err := p.make(ctx, tree, chosen.Release); err != nil {
		return err
	}
	if err := prune(tree); err != nil {
		return fmt.Errorf("tidy up %s: %w", tree, err)
	}
	if err := sealBuilt(dir, chosen); err != nil {
		return err
	}
	p.logf("kernel %s: built in %v", chosen.Release, time.Since(began).Round(time.Second))
	return nil
}

// fetchSource unpacks the source into dir/linux.
func (p *provisioner) fetchSource(ctx context.Context, chosen *plan, dir string) (string, error) {
	work := filepath.Join(dir, ".source")
	if err := os.Mkdir(work, 0o755); err != nil {
		return "", err
	}
	pkg := chosen.Packages[0]
	if err := p.apt.Unpack(ctx, work, pkg); err != nil {
		return "", err
	}
	// usr/src/linux-source-6.1.tar.xz; Ubuntu has it in usr/src/linux-source-6.8.0/.
	var tarball string
	for _, pattern := range []string{"usr/src/linux-source-*.tar.*", "usr/src/linux-source-*/linux-source-*.tar.*"} {
		found, err := filepath.Glob(filepath.Join(work, pattern))
		if err != nil {
			return "", err
		}
		for _, f := range found {
			if info, err := os.Lstat(f); err == nil && info.Mode().IsRegular() && info.Size() > 1<<20 {
				tarball = f // a package of Ubuntu's also has a link to it
			}
		}
	}
	if tarball == "" {
		return "", fmt.Errorf("%w: %s %s holds no archive of sources", ErrNoPackage, pkg.Name, pkg.Version)
	}
	tree := filepath.Join(dir, sourceDir)
	if err := os.Mkdir(tree, 0o755); err != nil {
		return "", err
	}
	if _, err := apt.Run(ctx, tree, nil, "tar", "-xf", tarball, "--strip-components=1", "--no-same-owner"); err != nil {
		return "", err
	}
	return tree, os.RemoveAll(work)
}

// configure writes the tree's .config and checks that it has all that was asked for.
func configure(ctx context.Context, tree, flavor string, asked []option) error {
	var text strings.Builder
	for _, o := range asked {
		fmt.Fprintln(&text, quoted(o))
	}
	// "6.1.192-kasan". What a distribution appends by itself is left out.
	fmt.Fprintf(&text, "CONFIG_LOCALVERSION=%q\n# CONFIG_LOCALVERSION_AUTO is not set\n", "-"+flavor)
	fragment := filepath.Join(tree, "ktcp.config")
	if err := os.WriteFile(fragment, []byte(text.String()), 0o644); err != nil {
		return err
	}
	if _, err := apt.Run(ctx, tree, nil, "make", "CC="+buildCompiler, "KCONFIG_ALLCONFIG="+fragment, "alldefconfig"); err != nil {
		return fmt.Errorf("configure kernel: %w", err)
	}
	config, err := readConfig(filepath.Join(tree, ".config"))
	if err != nil {
		return err
	}
	if lost := unmet(asked, config); lost != nil {
		return fmt.Errorf("%w: of the flavor %s, this kernel or compiler does not take: %s", ErrConfig, flavor, strings.Join(lost, ", "))
	}
	return nil
}

// quoted is the option as Kconfig reads it: only numbers and y, m, n go without quotes.
func quoted(o option) string {
	if o.value == "" || o.value == "y" || o.value == "m" || strings.Trim(o.value, "0123456789") == "" {
		return o.String()
	}
	return fmt.Sprintf("%s=%q", o.name, o.value)
}

// make builds the image and what modules need, and says now and then how far it is.
func (p *provisioner) make(ctx context.Context, tree, release string) error {
	jobs := runtime.NumCPU() + 1
	p.logf("building kernel %s with %d jobs, once: it took 15 to 20 minutes on two processors", release, jobs)
	cmd := exec.CommandContext(ctx, "make", fmt.Sprintf("-j%d", jobs), "CC="+buildCompiler, "bzImage", "modules")
	cmd.Dir = tree
	// The same source makes the same kernel, whoever builds it and when.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "KBUILD_BUILD_USER=ktcp", "KBUILD_BUILD_HOST=ktcp", "KBUILD_BUILD_TIMESTAMP=@0",
		"KBUILD_BUILD_VERSION=1")
	// Its compilers are its group, so that all of them stop.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = buildGrace
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build kernel: %w", err)
	}
	p.follow(out, release)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // one that somebody has stopped hears nothing else
			return fmt.Errorf("build kernel: %w", ctx.Err())
		}
		return &apt.CommandError{Argv: []string{"make", "bzImage"}, Err: err, Output: said.String()}
	}
	return nil
}

// follow reads what make prints, a line for each file, until its end.
func (p *provisioner) follow(out io.Reader, release string) {
	began := time.Now()
	var files atomic.Int64
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.logf("building kernel %s: %d files compiled, %v", release, files.Load(), time.Since(began).Round(time.Second))
			}
		}
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "CC ") {
			files.Add(1)
		}
	}
	_, _ = io.Copy(io.Discard, out) // after a line that is too long
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

const tailSize = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - tailSize; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string { return string(t.text) }

// sealBuilt makes a kernel of the tree that was built in dir.
func sealBuilt(dir string, chosen *plan) error {
	tree := filepath.Join(dir, sourceDir)
	release, err := readLine(filepath.Join(tree, "include/config/kernel.release"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotKernel, err)
	}
	image := filepath.Join(sourceDir, "arch/x86/boot/bzImage")
	k := &Kernel{Release: release, Flavor: chosen.Flavor, Image: filepath.Join(dir, image), Build: tree, Packages: chosen.Packages}
	if err := errors.Join(checkBuildTree(tree), k.seal(filepath.Join(tree, ".config"), filepath.Join(tree, "Module.symvers"))); err != nil {
		return err
	}
	text, err := json.MarshalIndent(meta{
		Release: release, Flavor: k.Flavor, Image: image, Build: sourceDir,
		CC: k.CC, ID: k.ID, Packages: chosen.Packages, Recipe: chosen.Recipe,
	}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, metaFile), append(text, '\n'), 0o644)
}
