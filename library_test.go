package onward_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/preflight"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// library are the packages that other modules import.
var library = []string{"onward", "config", "audit", "rehearse", "record", "verify", "plan", "preflight", "apply", "guard"}

// unnamed are declarations that speak of internal types all the same, each with its
// reason.
var unnamed = map[string]string{
	"audit.Detect":          "init looks at one tree; others have the runners of a report",
	"audit.Step":            "rehearse takes a release apart; others have its report",
	"audit.History":         "the same",
	"audit.Release.Down":    "the same",
	"rehearse.Stage.Server": "record and verify begin with it; others have its databases by name",
}

// TestLibraryNamesNothingInternal holds that other modules can name every type
// that they need. An alias gives an internal type a public name.
func TestLibraryNamesNothingInternal(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, dir := range library {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s has no Go files: %v", dir, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for owner, internalName := range internals(file) {
				seen[dir+"."+owner] = true
				if unnamed[dir+"."+owner] == "" {
					t.Errorf("%s: %s speaks of %s, which other modules cannot name", name, owner, internalName)
				}
			}
		}
	}
	for name := range unnamed {
		if !seen[name] {
			t.Errorf("%s names nothing internal any more: take it off the list", name)
		}
	}
}

// internals are the internal types in what a file exports, by the declaration.
func internals(file *ast.File) map[string]string {
	hidden := map[string]bool{}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if strings.Contains(path, "/internal/") {
			hidden[path[strings.LastIndex(path, "/")+1:]] = true
		}
	}
	out := map[string]string{}
	look := func(owner string, n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				return len(n.Names) == 0 || exported(n.Names)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && hidden[x.Name] {
					out[owner] = x.Name + "." + n.Sel.Name
				}
			}
			return true
		})
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			owner := d.Name.Name
			if d.Recv != nil {
				receiver := d.Recv.List[0].Type
				if star, ok := receiver.(*ast.StarExpr); ok {
					receiver = star.X
				}
				id, ok := receiver.(*ast.Ident)
				if !ok || !id.IsExported() {
					continue
				}
				owner = id.Name + "." + owner
			}
			if !d.Name.IsExported() {
				continue
			}
			for _, list := range []*ast.FieldList{d.Type.Params, d.Type.Results} {
				if list == nil {
					continue
				}
				for _, p := range list.List {
					look(owner, p.Type)
				}
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && !s.Assign.IsValid() {
						look(s.Name.Name, s.Type)
					}
				case *ast.ValueSpec:
					if exported(s.Names) && s.Type != nil {
						look(s.Names[0].Name, s.Type)
					}
				}
			}
		}
	}
	return out
}

func exported(names []*ast.Ident) bool {
	for _, n := range names {
		if n.IsExported() {
			return true
		}
	}
	return false
}

// TestOutside builds and runs a program in a module of its own, which sets every
// setting and tells every error from the others.
func TestOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, err := os.ReadFile("testdata/outside/main.go")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(mod), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	// In a workspace the versions are this module's, and its packages are those that the other tests have compiled.
	for name, content := range map[string]string{
		"main.go": string(source), "go.mod": "module example.com/outside\n\ngo " + version + "\n",
		"go.work": "go " + version + "\n\nuse .\n\nuse " + root + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "outside")
	run(t, dir, "go", "build", "-o", program, ".")

	repository := t.TempDir()
	run(t, repository, "git", "init", "-q")
	for i, sql := range []string{"CREATE TABLE users (id bigint PRIMARY KEY, age int);", "ALTER TABLE users DROP COLUMN age;"} {
		name := filepath.Join("migrations", "0000"+strconv.Itoa(i+1)+"_step.sql")
		if err := os.MkdirAll(filepath.Join(repository, "migrations"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(repository, name), []byte("-- +goose Up\n"+sql+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, repository, "git", "add", ".")
		run(t, repository, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "step")
	}
	got := run(t, repository, program, repository, t.TempDir())
	want := `changelog: column-drop column-add-cached-plan
check: table-drop
locks: AccessExclusiveLock
versions: [13 14 15]
verify: config.InputError
plan: contract
preflight: ServerError
apply: ServerError
guard: ServerError
errors: NotRepositoryError UnknownRevisionError ServerError config.Error MissingError
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range []any{
		audit.Config{}, audit.CheckConfig{}, audit.Deployed{}, audit.LocksConfig{}, rehearse.Config{}, rehearse.Rows{},
		verify.Config{}, plan.Config{}, preflight.Config{}, apply.Config{}, guard.Config{}, config.Config{},
		config.Migrations{}, config.Sandbox{}, config.Assume{}, config.Accept{}, config.Preflight{}, config.Hook{},
	} {
		settings := reflect.TypeOf(c)
		for i := range settings.NumField() {
			f := settings.Field(i)
			if f.IsExported() && !strings.Contains(string(source), f.Name+":") && !f.Anonymous {
				t.Errorf("the program does not set %s.%s", settings, f.Name)
			}
		}
	}
	for _, path := range []string{"audit/errors.go", "rehearse/errors.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name := range file.Scope.Objects {
			if !strings.Contains(string(source), filepath.Dir(path)+"."+name) {
				t.Errorf("the program does not read %s.%s", filepath.Dir(path), name)
			}
		}
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("run %s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
