package realrunners

import (
	"context"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// scene is a release as a project of one tool has it.
type scene struct {
	name  string
	files map[string]string
	// program is the path of its migration.
	program, root string
	proxy         *wire.Proxy
	log           *ordered.Log
}

const contractDir = "testdata/contract"

// listScenes returns the names of the releases.
func listScenes(t *testing.T) (out []string) {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(contractDir, "scenes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		name, _, _ := strings.Cut(line, ":")
		out = append(out, name)
	}
	return out
}

// readScenes reads the releases of a tool in the order of scenes.txt. A file's sections are
//
//   - program/PATH: the text of a migration around BODY, and its path
//   - project/PATH: a file that each release has
//   - NAME: the body of a release
//   - NAME/PATH: a file of one release
//   - omit/NAME: the tool has no such release
//
// If the program's path has the word SCENE, all releases are in one project. The word is replaced everywhere by the name.
func readScenes(t *testing.T, tool *contractTool) (out []scene, isShared bool) {
	t.Helper()
	sections := &txtar.Archive{}
	for _, file := range []string{tool.bodies, tool.name} {
		if file == "" {
			continue
		}
		a, err := txtar.ParseFile(filepath.Join(contractDir, file+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		sections.Files = append(sections.Files, a.Files...)
	}
	program, around := "", ""
	project, bodies, files := map[string]string{}, map[string]string{}, map[string]map[string]string{}
	for _, f := range sections.Files {
		name, file, isFile := strings.Cut(f.Name, "/")
		if files[name] == nil && !slices.Contains([]string{"program", "project", "omit"}, name) {
			files[name] = map[string]string{}
		}
		switch {
		case name == "omit":
			delete(files, file)
		case name == "program":
			program, around = file, string(f.Data)
		case name == "project":
			project[file] = string(f.Data)
		case isFile:
			files[name][file] = string(f.Data)
		default:
			bodies[name] = string(f.Data)
		}
	}
	for _, name := range listScenes(t) {
		if files[name] == nil {
			continue
		}
		fill := strings.NewReplacer("SCENE", strings.ReplaceAll(name, "-", "_")).Replace
		c := scene{name: name, files: files[name], program: fill(program)}
		if body, ok := bodies[name]; ok && c.files[c.program] == "" {
			c.files[c.program] = fill(strings.Replace(around, "BODY\n", body, 1))
		}
		for file, text := range project {
			c.files[fill(file)] = fill(text)
		}
		out = append(out, c)
		delete(files, name)
	}
	if len(files) > 0 || len(out) == 0 {
		t.Fatalf("%d releases; scenes.txt lacks %v", len(out), slices.Collect(maps.Keys(files)))
	}
	return out, strings.Contains(program, "SCENE")
}

// contractTemplate makes the database that each release meets.
func contractTemplate(t *testing.T, s *pgserver.Server) string {
	t.Helper()
	base, err := os.ReadFile(filepath.Join(contractDir, "base.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, conn := database(t, s)
	if _, err := conn.Exec(t.Context(), string(base)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil { // a template has no sessions
		t.Fatal(err)
	}
	return db
}

// openProxy makes a database, with a proxy that keeps what is sent. It returns the address of the proxy.
func (c *scene) openProxy(t *testing.T, s *pgserver.Server, template string) string {
	t.Helper()
	ctx := context.Background()
	db, err := s.NewDatabase(ctx, template)
	if err != nil {
		t.Fatal(err)
	}
	c.log = ordered.NewLog()
	target, err := wire.ParseServer(s.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	if c.proxy, err = wire.Listen(ctx, wire.Config{Server: target, Sink: c.log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.proxy.Close()
		if err := s.DropDatabase(ctx, db); err != nil {
			t.Error(err)
		}
	})
	direct, err := url.Parse(s.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	address := url.URL{Scheme: "postgres", User: direct.User, Host: c.proxy.Host() + ":" + c.proxy.Port(), Path: db, RawQuery: "sslmode=disable"}
	return address.String()
}

// loadProject reads the migrations of a project.
func loadProject(t *testing.T, tool *contractTool, root string) *adapter.Set {
	t.Helper()
	tree := adaptertest.Disk(t, root)
	sources, _ := adapter.DetectSources(tree, all.ListAdapters())
	sources, _ = adapter.ChooseSources(sources)
	if len(sources) != 1 {
		t.Errorf("sources of %s: %+v", tool.name, sources)
		return &adapter.Set{}
	}
	if tool.options != nil {
		sources[0].Options = tool.options(t)
	}
	a, _ := all.FindAdapter(sources[0].Framework)
	set, err := a.Load(t.Context(), tree, sources[0])
	if err != nil {
		t.Fatal(err)
	}
	return set
}
