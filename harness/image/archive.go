package image

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// directories are the mount points of the guest.
var directories = []string{"dev", "proc", "run", "sys", "tmp"}

// writeArchive writes the initramfs: sorted, without times, owners or inode numbers of the machine that it was made on.
// It is not compressed: an emulated guest would spend longer on that than QEMU does on reading it.
func writeArchive(w io.Writer, release string, agent []byte, modules kmods) error {
	base := path.Join("lib/modules", release)
	records := []cpio.Record{
		cpio.StaticRecord(agent, cpio.Info{Name: "init", Mode: cpio.S_IFREG | 0o755}),
		cpio.CharDev("dev/console", 0o600, 5, 1),
		cpio.CharDev("dev/null", 0o666, 1, 3),
		cpio.StaticFile(path.Join(base, "modules.dep"), dependencyList(modules), 0o644),
		cpio.StaticFile(path.Join(base, "modules.builtin"), builtinList(modules), 0o644),
	}
	for _, m := range modules.files {
		name := path.Join(base, m.name+".ko")
		records = append(records, cpio.StaticRecord(m.content, cpio.Info{Name: name, Mode: cpio.S_IFREG | 0o644}))
	}
	for _, d := range append([]string{"lib", "lib/modules", base}, directories...) {
		records = append(records, cpio.Directory(d, 0o755))
	}
	// By name, so that a directory comes before what is in it.
	slices.SortFunc(records, func(a, b cpio.Record) int { return strings.Compare(a.Name, b.Name) })
	cpio.MakeAllReproducible(records)
	out := cpio.Newc.Writer(w)
	if err := cpio.WriteRecords(out, records); err != nil {
		return fmt.Errorf("write initramfs: %w", err)
	}
	if err := cpio.WriteTrailer(out); err != nil {
		return fmt.Errorf("write initramfs: %w", err)
	}
	return nil
}

// dependencyList is modules.dep: "NAME.ko: DEPENDENCY.ko ...".
func dependencyList(modules kmods) string {
	var b strings.Builder
	for _, m := range modules.files {
		b.WriteString(m.name + ".ko:")
		for _, d := range m.depends {
			b.WriteString(" " + d + ".ko")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// builtinList is modules.builtin.
func builtinList(modules kmods) string {
	var b strings.Builder
	for _, name := range modules.builtin {
		b.WriteString(name + ".ko\n")
	}
	return b.String()
}
