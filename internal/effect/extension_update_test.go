package effect_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// The update of an extension is a script that nobody here has read: it is not judged, with or without a version. Creating one stays judged.
func TestExtensionUpdate(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"ALTER EXTENSION postgis UPDATE":                     "the script of the update is not read",
		"ALTER EXTENSION postgis UPDATE TO '3.5.0'":          "the script of the update is not read",
		"ALTER EXTENSION timescaledb UPDATE TO '2.17.1'":     "a session of its own",
		`ALTER EXTENSION "TimescaleDB" UPDATE`:               "a session of its own",
		"CREATE EXTENSION IF NOT EXISTS postgis":             "",
		"ALTER EXTENSION postgis SET SCHEMA other":           "",
		"COMMENT ON EXTENSION postgis IS 'geometry columns'": "",
	} {
		r := effect.EffectOf(pgparse.ParseStatement(sql), catalog.New(), effect.NewVersion(onward.NewestMajor), effect.Inputs{})
		if got := r.Unmodelled; (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
