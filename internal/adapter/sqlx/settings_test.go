package sqlx

import (
	"crypto/sha512"
	"encoding/hex"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// TestSettings: sqlx.toml says which table there is, and which characters the checksum leaves out.
func TestSettings(t *testing.T) {
	t.Parallel()
	read := func(text string) settings {
		return readMigrateSettings(adaptertest.Text(map[string]string{"db/sqlx.toml": text, "db/Cargo.toml": ""}), "db")
	}
	sum := func(text string) string {
		hash := sha512.Sum384([]byte(text))
		return hex.EncodeToString(hash[:])
	}
	content := []byte("SELECT\t1;\r\n")
	for text, want := range map[string]string{
		"": "SELECT\t1;\r\n", "[migrate]\nignored-chars = [\"\\r\"]\n": "SELECT\t1;\n",
		"migrate.ignored-chars = [\" \", \"\\t\", \"\\r\", \"\\n\"]\n": "SELECT1;", "[common]\nignored-chars = [\"1\"]\n": "SELECT\t1;\r\n",
	} {
		if got := read(text).describeTable().Sum(nil, content); got != sum(want) {
			t.Errorf("%s: another checksum than for %q", text, want)
		}
	}
	if got := read("[migrate]\ntable-name = \"moves\"\n").describeTable().Table; got != "moves" {
		t.Errorf("table %s", got)
	}
	if read("[migrate]\ntable-name = \"app.moves\"\n").describeTable() != nil {
		t.Error("rows are written to a table in another schema, whose name is not followed")
	}
}
