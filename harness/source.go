package harness

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"ktcp/harness/finding"
	"ktcp/harness/kbuild"
)

// built is a module that is ready to be loaded.
type built struct {
	*kbuild.Module
	image  []byte   // what is sent to the guest: without DWARF, which only the host needs
	params []string // the names of its parameters
	// sections are those that lines can be named in.
	sections []string
}

// projectRoot is the directory that this very source was compiled from. The modules and the agent are built from there.
var projectRoot = sync.OnceValues(func() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", fmt.Errorf("find the source of ktcp: the binary has no file names")
	}
	root := filepath.Dir(filepath.Dir(file))
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return "", fmt.Errorf("find the source of ktcp: %w (binaries built with -trimpath do not know it)", err)
	}
	return root, nil
})

// build returns the module of that name below the guest's source root, built for the guest's kernel.
func (g *Guest) build(name string) *built {
	g.tb.Helper()
	b, err := g.tryBuild(name)
	if err != nil {
		g.tb.Fatalf("build %s: %v", name, explain(err))
	}
	g.madeOf[moduleInput+name] = b.ID
	return b
}

// tryBuild is build, with an error for what does not build.
func (g *Guest) tryBuild(name string) (*built, error) {
	if b := g.built[name]; b != nil {
		return b, nil
	}
	g.rig.busy.Add(1)
	defer g.rig.busy.Done()
	spec := kbuild.Spec{
		Root: g.sources, Dir: filepath.Join(g.sources, name), Name: name,
		Kernel: g.rig.kernel, Cache: g.rig.cache, Logf: Logf,
	}
	if x := g.stranger; x != nil && name == x.Module {
		spec.Root, spec.Dir, spec.Foreign = x.Root, x.Dir, true
	}
	module, err := kbuild.Build(g.rig.ctx, spec)
	if err != nil {
		return nil, err
	}
	b := &built{Module: module}
	if b.image, err = os.ReadFile(module.Stripped); err != nil {
		return nil, err
	}
	if b.params, err = parameterNames(module.KO); err != nil {
		return nil, err
	}
	if b.sections, err = finding.Sections(module.KO); err != nil {
		return nil, err
	}
	g.built[name], g.built[b.Name] = b, b
	return b, nil
}

// checkParameters refuses a parameter that the module does not have: the kernel itself only says so in its log and
// loads the module all the same.
func (b *built) checkParameters(params string) error {
	for _, p := range strings.Fields(params) {
		name, _, _ := strings.Cut(p, "=")
		if !slices.Contains(b.params, name) {
			has := "it has none"
			if len(b.params) > 0 {
				has = "it has: " + strings.Join(b.params, ", ")
			}
			return fmt.Errorf("%s has no parameter %q (%s)", b.Name, name, has)
		}
	}
	return nil
}

// parameterNames reads the names of a module's parameters from the parmtype entries of its .modinfo section.
func parameterNames(ko string) ([]string, error) {
	f, err := elf.Open(ko)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ko, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("read %s: no .modinfo section: not a kernel module", ko)
	}
	info, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ko, err)
	}
	var names []string
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if value, ok := strings.CutPrefix(entry, "parmtype="); ok {
			name, _, _ := strings.Cut(value, ":")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// imageToSend returns the module's image, or nil when the guest has it from an earlier insmod: the oracles load each module a
// second time, which takes 72 ms under TCG instead of 97.
func (g *Guest) imageToSend(b *built) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent[b.Name] == b {
		return nil
	}
	if g.sent == nil {
		g.sent = map[string]*built{}
	}
	g.sent[b.Name] = b
	return b.image
}
