package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestEveryOperationIsServed reads the operations from the source of package wire.
func TestEveryOperationIsServed(t *testing.T) {
	files, err := filepath.Glob("wire/*.go")
	if err != nil {
		t.Fatal(err)
	}
	table := (&agent{}).table()
	found := 0
	look := func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 1 {
			return true
		}
		index, ok := lit.Type.(*ast.IndexListExpr)
		if !ok {
			return true
		}
		if id, ok := index.X.(*ast.Ident); !ok || id.Name != "Op" {
			return true
		}
		name, err := strconv.Unquote(lit.Elts[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if _, ok := table[name]; !ok {
			t.Errorf("operation %q is not served", name)
		}
		return true
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(path, "_test.go") {
			ast.Inspect(file, look)
		}
	}
	if found == 0 || found != len(table) {
		t.Errorf("%d operations in the contract, %d served", found, len(table))
	}
}
