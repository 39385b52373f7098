package vet

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"ktcp/harness/subject"
)

// Scenario is a test that can be held against a module.
type Scenario struct {
	Name  string         // "TestNetnsDeletedWhileServing"
	Story string         // what it is about, in a line
	Roles []subject.Role // of modules that it can be held against
}

// What a scenario uses of package harness that tells its roles, and what tells that it is about ktcp itself: it brings a module
// of its own, and expects it to be broken.
var (
	roleNames = map[string]subject.Role{"Echo": subject.Echo, "HTTP": subject.HTTP, "Web": subject.Web}
	ownNames  = []string{"Witness", "Sources", "Judge", "Trial"}
)

// Scan reads the scenarios of a package of tests, in the order of their names.
func Scan(dir string) ([]Scenario, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no scenarios in %s: %w", dir, err)
	}
	slices.Sort(files)
	p := &tests{uses: map[string][]use{}}
	set := token.NewFileSet()
	for _, name := range files {
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read scenarios: %w", err)
		}
		p.read(file)
	}
	var all []Scenario
	for _, t := range p.found {
		roles, own := p.roles(t.Name.Name)
		if own || len(roles) == 0 {
			continue
		}
		all = append(all, Scenario{Name: t.Name.Name, Story: about(t), Roles: roles})
	}
	slices.SortFunc(all, func(a, b Scenario) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// use is a name that a declaration mentions.
type use struct {
	name    string
	harness bool // it is one of package harness
}

// tests is a package of tests as far as it says who uses what.
type tests struct {
	uses  map[string][]use // by the name of a function, method, variable or type
	found []*ast.FuncDecl  // tests
}

func (p *tests) read(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.note(d.Name.Name, d)
			if d.Recv == nil && strings.HasPrefix(d.Name.Name, "Test") && d.Name.Name != "TestMain" {
				p.found = append(p.found, d)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for _, n := range s.Names {
						p.note(n.Name, s)
					}
				case *ast.TypeSpec:
					p.note(s.Name.Name, s)
				}
			}
		}
	}
}

// note keeps what a declaration of that name uses.
func (p *tests) note(name string, node ast.Node) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "harness" {
				p.uses[name] = append(p.uses[name], use{n.Sel.Name, true})
				return false
			}
		case *ast.Ident:
			if n.Name != name {
				p.uses[name] = append(p.uses[name], use{n.Name, false})
			}
		}
		return true
	})
}

// roles returns the roles that a function names, itself or through what it uses, and whether it is about ktcp itself.
func (p *tests) roles(name string) (roles []subject.Role, own bool) {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, u := range p.uses[name] {
			if !u.harness {
				visit(u.name)
				continue
			}
			if r, ok := roleNames[u.name]; ok && !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
			own = own || slices.Contains(ownNames, u.name)
		}
	}
	visit(name)
	slices.Sort(roles)
	return roles, own
}

// about returns the first sentence of a test's comment, otherwise its name in words.
func about(t *ast.FuncDecl) string {
	if t.Doc != nil {
		text := strings.Join(strings.Fields(t.Doc.Text()), " ")
		if first, _, more := strings.Cut(text, ". "); more {
			text = first
		}
		if text = strings.TrimSuffix(text, "."); text != "" {
			return text
		}
	}
	return inWords(strings.TrimPrefix(t.Name.Name, "Test"))
}

// inWords returns "netns deleted while serving" for NetnsDeletedWhileServing; abbreviations stay in capitals.
func inWords(name string) string {
	var words []string
	runes := []rune(name)
	start := 0
	for i := 1; i <= len(runes); i++ {
		ends := i == len(runes) || unicode.IsUpper(runes[i]) &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if !ends {
			continue
		}
		word := string(runes[start:i])
		if strings.ToUpper(word) != word || len(word) == 1 {
			word = strings.ToLower(word)
		}
		words = append(words, word)
		start = i
	}
	return strings.Join(words, " ")
}
