package sql

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// How files of Hasura and of graphile-migrate run, and what graphile-migrate refuses.
func TestHasuraAndGraphile(t *testing.T) {
	t.Parallel()
	const (
		sql = "SELECT 1;"
		cic = "CREATE INDEX CONCURRENTLY i ON t (a);"
	)
	for name, tc := range map[string]struct {
		dir   string
		files map[string]string
		want  string
	}{
		"Hasura": {"h/migrations/default", map[string]string{
			"h/config.yaml": "version: 3\nmetadata_directory: metadata\n", "h/migrations/default/1700000000000_a/up.sql": sql,
		}, "1700000000000_a file"},
		"graphile-migrate": {"migrations/committed", map[string]string{
			"migrations/committed/000001.sql": "--! Previous: -\n--! Hash: sha1:d30d858bf9fa5d8979af2d32c3be5e09b07da877\n\n" + sql + "\n",
			"migrations/committed/000002.sql": "--! Previous: sha1:d30d858bf9fa5d8979af2d32c3be5e09b07da877\n" +
				"--! Hash: sha1:0\n--! AllowInvalidHash\n\n--! no-transaction\n" + cic + "\n",
			"migrations/committed/000003.sql": "--! Previous: sha1:0\n--! Hash: sha1:1\n\n" + sql + "\n", "migrations/current.sql": sql,
			"migrations/committed/000004.sql": "--! Previous: sha1:2\n--! Hash: sha1:3\n--! AllowInvalidHash\n\n" + sql + "\n",
		}, "000001 file; 000002 message; 000003 file, 1: error; 000004 file, 1: error"},
	} {
		if got := described(t, tc.dir, tc.files); got != tc.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, tc.want)
		}
	}
}

// The current migration is for developers: only what is committed is a source.
func TestGraphileCurrent(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"migrations/committed/000001.sql": "--! Previous: -\n--! Hash: sha1:0\n\nSELECT 1;\n", "migrations/current.sql": "SELECT 2;\n",
		"migrations/current/1-a.sql": "SELECT 3;\n", "migrations/current/2-b.sql": "SELECT 4;\n",
	})
	var got []string
	for _, s := range (Adapter{}).Detect(tree) {
		got = append(got, s.Dir)
	}
	if len(got) != 1 || got[0] != "migrations/committed" {
		t.Errorf("sources %v", got)
	}
}
