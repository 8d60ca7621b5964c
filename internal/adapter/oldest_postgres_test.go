package adapter_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// The versions of containers and settings restrict the versions to judge. If they are not
// known, all versions are judged.
func TestOldestPostgres(t *testing.T) {
	t.Parallel()
	type files map[string]string
	const service = "services:\n  db:\n    image: "
	for name, c := range map[string]struct {
		files files
		want  adapter.Oldest
	}{
		"nothing": {files{"main.go": "package main"}, adapter.Oldest{}},
		"compose": {files{"compose.yaml": service + "postgres:16-alpine\n"}, adapter.Oldest{16, "compose.yaml"}},
		"registry": {
			files{"docker-compose.yml": service + "\"registry.example.org:5000/library/postgres:15.4\"\n"},
			adapter.Oldest{15, "docker-compose.yml"},
		},
		"the oldest of two": {
			files{"compose.yaml": service + "postgres:17\n", ".github/workflows/ci.yml": "        image: postgres:15\n"},
			adapter.Oldest{15, ".github/workflows/ci.yml"},
		},
		"Supabase":       {files{"supabase/config.toml": "[db]\nport = 54322\nmajor_version = 15\n"}, adapter.Oldest{15, "supabase/config.toml"}},
		"another config": {files{"app/config.toml": "major_version = 15\n"}, adapter.Oldest{}},
		"PostGIS":        {files{"compose.yaml": service + "postgis/postgis:16-3.4\n"}, adapter.Oldest{16, "compose.yaml"}},
		"pgvector":       {files{"compose.yaml": service + "pgvector/pgvector:0.8.0-pg17\n"}, adapter.Oldest{17, "compose.yaml"}},
		"pgvector's own": {files{"compose.yaml": service + "pgvector/pgvector:0.8.0\n"}, adapter.Oldest{}},
		"Timescale":      {files{"compose.yaml": service + "timescale/timescaledb:2.17.2-pg16\n"}, adapter.Oldest{16, "compose.yaml"}},
		"Dockerfile":     {files{"db/Dockerfile": "FROM postgres:14\n"}, adapter.Oldest{14, "db/Dockerfile"}},
		"default":        {files{"compose.yaml": service + "postgres:${PG:-16}\n"}, adapter.Oldest{16, "compose.yaml"}},
		"variable": {
			files{"compose.yaml": service + "postgres:16\n", ".github/workflows/ci.yml": "        image: postgres:${{ matrix.pg }}\n"},
			adapter.Oldest{},
		},
		"latest":         {files{"compose.yaml": service + "postgres:latest\n"}, adapter.Oldest{}},
		"no tag":         {files{"compose.yaml": service + "postgres\n"}, adapter.Oldest{}},
		"something else": {files{"compose.yaml": service + "prom/postgres-exporter:12\n    image: postgrest/postgrest:12\n"}, adapter.Oldest{}},
		"commented":      {files{"compose.yaml": service + "postgres:16\n# image: postgres:13\n"}, adapter.Oldest{16, "compose.yaml"}},
	} {
		if got := adapter.OldestPostgres(adaptertest.Text(c.files)); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	all := []int{13, 14, 15, 16, 17, 18}
	for major, want := range map[int][]int{0: all, 11: all, 13: all, 16: {16, 17, 18}, 18: {18}, 19: {19}, 20: all} {
		if got := (adapter.Oldest{Major: major}).Since(all); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", major, got, want)
		}
	}
}
