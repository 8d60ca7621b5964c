package adapter_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/script"
)

func TestLockTimeoutAt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ path, text, want string }{
		"a connection string":   {"deploy/migrate.yaml", "kind: Job\nenv:\n  url: postgres://db/x?options=-c%20lock_timeout%3D4s\n", "deploy/migrate.yaml:3"},
		"PGOPTIONS":             {"bin/migrate", "#!/bin/sh\nexport PGOPTIONS=\"-c lock_timeout=5s\"\n", "bin/migrate:2"},
		"a Makefile":            {"Makefile", "migrate:\n\tPGOPTIONS='--lock-timeout=5000' goose up\n", "Makefile:2"},
		"Flyway's initSql":      {"flyway.toml", "[environments.prod]\ninitSql = \"SET lock_timeout = '5s'\"\n", "flyway.toml:2"},
		"in capitals and not":   {"deploy/migrate.sh", "psql -c \"SET Lock_TimeOut = '5s'\"\n", "deploy/migrate.sh:1"},
		"a package's script":    {"package.json", "{\"scripts\": {\"migrate\": \"PGOPTIONS='-c lock_timeout=2s' goose up\"}}\n", "package.json:1"},
		"a program":             {"src/db/migrate.ts", "const sql = postgres(url, { connection: { lock_timeout: 5000 } });\n", "src/db/migrate.ts:1"},
		"runtime parameters":    {"internal/migrate/run.go", "cfg.RuntimeParams[\"lock_timeout\"] = \"3000\"\n", "internal/migrate/run.go:1"},
		"none at all":           {"deploy/migrate.yaml", "kind: Job\nenv:\n  url: postgres://db/x?options=-c%20lock_timeout%3D0\n", ""},
		"an application's":      {"deploy/api.yaml", "kind: Deployment\nenv:\n  url: postgres://db/x?options=-c%20lock_timeout%3D4s\n", ""},
		"a comment":             {"bin/migrate", "# PGOPTIONS=\"-c lock_timeout=5s\"\n", ""},
		"a test's":              {"test/migrate.sh", "PGOPTIONS='-c lock_timeout=5s' goose up\n", ""},
		"a pipeline's":          {".github/workflows/ci.yml", "run: PGOPTIONS='-c lock_timeout=5s' goose up\n", ""},
		"the deploy's pipeline": {".github/workflows/deploy.yml", "run: PGOPTIONS='-c lock_timeout=5s' goose up\n", ".github/workflows/deploy.yml:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := adapter.LockTimeoutAt(adaptertest.Text(map[string]string{tc.path: tc.text})); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestGivenTimeoutAt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql, makefile string
		want          bool
	}{
		"the database's":      {"ALTER DATABASE shop SET lock_timeout = '3s';", "", true},
		"of a role called so": {"ALTER ROLE shop_migrator SET lock_timeout TO '3s';", "", true},
		"of the role that connects": {
			"ALTER ROLE owner IN DATABASE shop SET lock_timeout = 3000;",
			"migrate:\n\tmigrate -database postgres://owner:x@db/shop up\n", true,
		},
		"of a role of something else": {"ALTER ROLE owner SET lock_timeout = '3s';", "migrate:\n\tmigrate -database postgres://app:x@db/shop up\n", false},
		"none":                        {"ALTER DATABASE shop SET lock_timeout = 0;", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := &adapter.Set{Migrations: []*adapter.Migration{{Path: "m/1.sql", Source: script.Source{Text: "SELECT 1;\n" + tc.sql}}}}
			got := adapter.FindDefaultTimeout(adaptertest.Text(map[string]string{"Makefile": tc.makefile}), ran)
			if want := map[bool]string{true: "m/1.sql:2"}[tc.want]; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
