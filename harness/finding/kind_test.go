package finding

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// Every kind is one that an oracle makes, and every oracle makes some: read from the source, so that a new one is not forgotten.
func TestEveryKindHasItsOracle(t *testing.T) {
	file, err := goparser.ParseFile(token.NewFileSet(), "kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{} // type → what its constants are
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Type == nil || len(v.Values) != 1 {
			return true
		}
		name, isName := v.Type.(*ast.Ident)
		text, isText := v.Values[0].(*ast.BasicLit)
		if isName && isText {
			value, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			values[name.Name] = append(values[name.Name], value)
		}
		return true
	})
	if len(values["Kind"]) < 40 || len(values["Oracle"]) != len(made) {
		t.Fatalf("kind.go has %d kinds and %d oracles, of which %d make something", len(values["Kind"]), len(values["Oracle"]), len(made))
	}
	for _, kind := range values["Kind"] {
		makes := slices.ContainsFunc(values["Oracle"], func(oracle string) bool { return Makes(Oracle(oracle), Kind(kind)) })
		if blind := Kind(kind) == OracleBlind; makes == blind {
			t.Errorf("an oracle makes %s: %v, want %v", kind, makes, !blind)
		}
	}
	if Makes("rest", Busy) || Makes(OracleIdle, "spin") {
		t.Error("an oracle or a kind that there is not makes something")
	}
}
