package hook

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindDevelopmentDatabases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		".env":             "DATABASE_URL=postgres://app:secret@localhost/app_dev\nREPORTS=postgresql://db.example.com/app_dev\nNAME='host=x'\n",
		".env.local":       "DATABASE_URL=\"postgres://localhost:5433/app_local\"\nLIVE=postgres://localhost/app_production\n",
		".env.development": "DATABASE_URL=postgres://postgres@db:5432/app?sslmode=disable\nOTHER=postgres://$HOST/x\nREAD=postgres://prod-db/app\n",
		".env.test":        "PGDATABASE=app_test\nPGPORT=5434\nDSN=host=localhost dbname=app_dsn user=u\n",
		".env.production":  "DATABASE_URL=postgres://localhost/never_read\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := FindDevelopmentDatabases(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"db/app", "localhost/app_dev", "localhost/app_dsn", "localhost:5433/app_local", "localhost:5434/app_test"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := FindDevelopmentDatabases(t.TempDir()); err != nil || len(got) > 0 {
		t.Errorf("an empty directory: %v, %v", got, err)
	}
}
