package pgerror

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// kinds are the kinds that this package declares, by name.
func kinds(t *testing.T) map[string]Kind {
	t.Helper()
	out := map[string]Kind{}
	for _, file := range parse(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			lit, ok := spec.Values[0].(*ast.CompositeLit)
			if !ok || len(lit.Elts) != 2 {
				return true
			}
			out[spec.Names[0].Name] = Kind{text(t, lit.Elts[0]), text(t, lit.Elts[1])}
			return true
		})
	}
	return out
}

func text(t *testing.T, e ast.Expr) string {
	t.Helper()
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parse reads the files of a package that are no tests.
func parse(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	out := map[string]*ast.File{}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		out[p] = f
	}
	return out
}

var sqlstate = regexp.MustCompile(`^[0-9][0-9A-Z]{4}$`)

// TestKinds: each kind has a SQLSTATE, and nothing but objects in its words.
func TestKinds(t *testing.T) {
	t.Parallel()
	all := kinds(t)
	if len(all) < 200 {
		t.Fatalf("%d kinds were found", len(all))
	}
	seen := map[Kind]string{}
	for name, k := range all {
		if !sqlstate.MatchString(k.SQLSTATE) {
			t.Errorf("%s: %q is no SQLSTATE", name, k.SQLSTATE)
		}
		if other, isDuplicate := seen[k]; isDuplicate {
			t.Errorf("%s and %s are one", name, other)
		}
		seen[k] = name
		objects := make([]string, k.CountPlaces())
		for i := range objects {
			objects[i] = `o"%s`
		}
		if got := k.NewRefusal(objects...).Message(); strings.Contains(got, "%!") || strings.Count(got, `o"%s`) != len(objects) {
			t.Errorf("the message of %s is %q, want the %d objects in it unchanged", name, got, len(objects))
		}
	}
}

// TestUses: who refuses names as many objects as the words have places for, each
// kind is somebody's, and nobody has a SQLSTATE of his own.
func TestUses(t *testing.T) {
	t.Parallel()
	all := kinds(t)
	used := map[string]bool{}
	kind := func(e ast.Expr) string {
		if s, ok := e.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "pgerror" && all[s.Sel.Name].SQLSTATE != "" {
				return s.Sel.Name
			}
		}
		return ""
	}
	for _, dir := range []string{"../catalog", "../refusal", "../effect"} {
		for path, file := range parse(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.SelectorExpr:
					used[kind(x)] = true
				case *ast.BasicLit:
					if s, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING && sqlstate.MatchString(s) && len(s) == 5 {
						t.Errorf("%s: the SQLSTATE %s belongs to a kind", path, s)
					}
				case *ast.CallExpr:
					name, objects := "", 0
					if s, ok := x.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "NewRefusal" {
						name, objects = kind(s.X), len(x.Args)
					}
					for i, arg := range x.Args {
						if k := kind(arg); k != "" && name == "" {
							name, objects = k, len(x.Args)-i-1
						}
					}
					if name != "" && objects != all[name].CountPlaces() {
						t.Errorf("%s: %s has %d places, and is given %d objects", path, name, all[name].CountPlaces(), objects)
					}
				}
				return true
			})
		}
	}
	for name := range all {
		if !used[name] {
			t.Errorf("%s is nobody's", name)
		}
	}
}

// TestOn: a refusal holds from one version on, up to one, or between two.
func TestOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		since, until int
		want         string
	}{
		{0, 0, "13 14 15 16 17 18"}, {15, 0, "15 16 17 18"}, {0, 14, "13 14"}, {14, 16, "14 15 16"}, {16, 16, "16"},
	} {
		no := NoLanguage.NewRefusal()
		no.Since, no.Until = tc.since, tc.until
		var majors []string
		for v := 13; v <= 18; v++ {
			if no.AppliesTo(func(major int) bool { return v >= major }) {
				majors = append(majors, strconv.Itoa(v))
			}
		}
		if got := strings.Join(majors, " "); got != tc.want {
			t.Errorf("since %d until %d: refused on %s, want %s", tc.since, tc.until, got, tc.want)
		}
		if other := NoLanguage.NewRefusal(); no.Equal(other) != (tc.since+tc.until == 0) {
			t.Errorf("since %d until %d: is equal to one without bounds: %v", tc.since, tc.until, no.Equal(other))
		}
	}
}
