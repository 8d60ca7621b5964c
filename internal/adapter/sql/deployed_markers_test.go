package sql

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// Each tool's markers, in files of each other tool's directory: they hide nothing, and are reported. Nothing changes for files of the
// base, and for the markers of the tool that runs the directory.
func TestForeignMarkers(t *testing.T) {
	t.Parallel()
	markers := map[string][2]string{ // the line above the hidden part, and the one that begins the other part
		"dbmate": {"-- migrate:down", "-- migrate:up"}, "tern": {"---- create above / drop below ----", ""},
		"sql-migrate": {"-- +migrate Down", "-- +migrate Up"}, "goose": {"-- +goose Down", "-- +goose Up"},
		"rambler": {"-- rambler down", "-- rambler up"}, "Play": {"-- !Downs", "-- !Ups"}, "MyBatis": {"-- //@UNDO", ""},
		"node-pg-migrate": {"-- Down Migration", "-- Up Migration"},
	}
	for _, r := range tools {
		if _, ok := markers[r.name]; r.marks != nil && !ok {
			t.Errorf("%s has markers, and no case", r.name)
		}
	}
	first := "CREATE TABLE member (id int PRIMARY KEY, nick text);\n"
	dirs := map[string]struct {
		dir, first, second string
		files              map[string]string
	}{
		"plain": {"db/changes", "001_a.sql", "002_b.sql", nil},
		"Prisma": {"prisma/migrations", "20240101000000_a/migration.sql", "20240201000000_b/migration.sql",
			map[string]string{"prisma/migrations/migration_lock.toml": "provider = \"postgresql\"\n"}},
		"Flyway": {"db/changes", "V1__a.sql", "V2__b.sql", map[string]string{"flyway.conf": "flyway.locations=filesystem:db/changes\n"}},
		"Diesel": {"migrations", "2024-01-01-000000_a/up.sql", "2024-02-01-000000_b/up.sql",
			map[string]string{"diesel.toml": "[migrations_directory]\n"}},
		"Atlas":  {"migrations", "20240101000000_a.sql", "20240201000000_b.sql", map[string]string{"migrations/atlas.sum": "h1:x\n", "atlas.hcl": ""}},
		"Hasura": {"migrations/default", "1700000000000_a/up.sql", "1700000000001_b/up.sql", map[string]string{"config.yaml": "version: 3\n"}},
		"pop": {"migrations", "20240101000000_a.up.sql", "20240201000000_b.up.sql",
			map[string]string{"database.yml": "production:\n  dialect: postgres\n"}},
		"supabase": {"supabase/migrations", "20240101000000_a.sql", "20240201000000_b.sql", map[string]string{"supabase/config.toml": ""}},
		"graphile": {"migrations/committed", "000001.sql", "000002.sql", map[string]string{".gmrc": "{}"}},
		"of one marker": {"db/changes", "001_a.sql", "002_b.sql",
			map[string]string{"db/changes/000_z.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"}},
	}
	load := func(t *testing.T, base, head map[string]string, dir string) *adapter.Set {
		t.Helper()
		s := adapter.Source{Framework: "sql", Dir: dir}
		if base != nil {
			s.Deployed = adapter.DeployedSource{Tree: adaptertest.Text(base), Dir: dir}
		}
		set, err := Adapter{}.Load(t.Context(), adaptertest.Text(head), s)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	runs := func(m *adapter.Migration, sql string) bool {
		for _, p := range m.Source.Parts {
			if strings.Contains(p.SQL, sql) {
				return true
			}
		}
		return false
	}
	for name, d := range dirs {
		for tool, marker := range markers {
			base, head := map[string]string{d.dir + "/" + d.first: first}, map[string]string{}
			for file, text := range d.files {
				base[file] = text
			}
			for file, text := range base {
				head[file] = text
			}
			text := "ALTER TABLE member ADD a int;\n" + marker[0] + "\nALTER TABLE member DROP nick;\n"
			if marker[1] != "" {
				text = "ALTER TABLE member ADD b int;\n" + marker[1] + "\n" + text
			}
			head[d.dir+"/"+d.second] = text
			set := load(t, base, head, d.dir)
			m := set.Migrations[len(set.Migrations)-1]
			known := name == "of one marker" && tool == "dbmate"
			if got := runs(m, "DROP nick"); got == known {
				t.Errorf("%s, %s: the part below the marker runs: %t", name, tool, got)
			}
			if len(m.Problems) == 0 && !known {
				t.Errorf("%s, %s: nothing is reported", name, tool)
			}
			// The same file, deployed: it has run as it was read then.
			deployed, alone := load(t, head, head, d.dir).Migrations, load(t, nil, head, d.dir).Migrations
			if last := len(deployed) - 1; name != "supabase" && runs(deployed[last], "DROP nick") != runs(alone[last], "DROP nick") {
				t.Errorf("%s, %s: a deployed file is read anew", name, tool)
			}
		}
	}
	for tool, marker := range markers { // nothing is deployed: both forms are judged
		head := map[string]string{"db/new/001_a.sql": marker[1] + "\n" + first + marker[0] + "\nALTER TABLE other DROP nick;\n"}
		m := load(t, map[string]string{"README": "x"}, head, "db/new").Migrations[0]
		if m.WithoutConditions == nil || !strings.Contains(m.WithoutConditions.Parts[0].SQL, "DROP nick") || m.Runner.Marker == "" {
			t.Errorf("%s, a new directory: the whole file is no second form", tool)
		}
	}
}
