package finding

import "regexp"

// kernelHeaderRE matches paths of the kernel's own headers, as the line tables of modules have them: relative to the
// kernel's tree, or absolute within a packaged or unpacked one.
var kernelHeaderRE = regexp.MustCompile(`^(?:\./)?(?:include|arch/\w+/include|tools/include)/|/(?:include/(?:linux|net|asm-generic|uapi|generated|trace|vdso|crypto)|arch/\w+/include)/|^<`)

// kernelHeader reports whether a source file belongs to the kernel and not to the module.
func kernelHeader(file string) bool { return kernelHeaderRE.MatchString(file) }

// headerRootRE matches what comes before the part of a kernel header's path that is the same everywhere.
var headerRootRE = regexp.MustCompile(`^/.*/((?:include|arch/\w+/include)/(?:linux|net|asm|asm-generic|uapi|generated|trace|vdso|crypto)/)`)

// shortHeader returns the path of a kernel header relative to the kernel's tree, and other paths as they are.
func shortHeader(file string) string { return headerRootRE.ReplaceAllString(file, "$1") }
