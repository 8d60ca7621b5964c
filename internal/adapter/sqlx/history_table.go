package sqlx

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/pgparse"
)

const (
	table   = "_sqlx_migrations"
	columns = `(version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), ` +
		`success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)`
	// lockSalt is a constant of sqlx (generate_lock_id).
	lockSalt = 0x3d32ad9e
)

// settings are what sqlx.toml, beside the Cargo.toml, says of migrations: the table, and the characters that the checksum leaves out.
type settings struct {
	table   string
	ignored *strings.Replacer
}

func readMigrateSettings(t adapter.Tree, crateDir string) settings {
	out := settings{table, strings.NewReplacer()}
	file := path.Join(crateDir, "sqlx.toml")
	if !adapter.HasFile(t, file) {
		return out
	}
	list, _ := configfile.ReadTOML(adapter.ReadFile(t, file).Text)
	for _, setting := range list {
		switch {
		case setting.Section != "migrate":
		case setting.Key == "table-name" && len(setting.Values) == 1:
			out.table = setting.Values[0]
		case setting.Key == "ignored-chars":
			var pairs []string
			for _, c := range setting.Values {
				pairs = append(pairs, c, "")
			}
			out.ignored = strings.NewReplacer(pairs...)
		}
	}
	return out
}

// describeTable describes sqlx's table. The checksum is the SHA-384 of the file, without the characters that are ignored. It is nil if the
// table is in another schema.
func (c settings) describeTable() *adapter.Count {
	if strings.Contains(c.table, ".") {
		return nil
	}
	sum := func(_ *adapter.Migration, content []byte) string {
		hash := sha512.Sum384([]byte(c.ignored.Replace(string(content))))
		return hex.EncodeToString(hash[:])
	}
	return &adapter.Count{
		Table: c.table,
		Make:  func(table string) string { return "CREATE TABLE " + table + " " + columns },
		Read: func(table string) string {
			return "SELECT version::text, encode(checksum, 'hex'), NOT success FROM " + table
		},
		Key: func(m *adapter.Migration) string { return m.Version },
		Sum: sum,
		Write: func(table string, m *adapter.Migration, content []byte) string {
			return fmt.Sprintf("INSERT INTO %s (version, description, success, checksum, execution_time) VALUES (%s, %s, true, decode('%s', 'hex'), 0)",
				table, m.Version, pgparse.QuoteLiteral(describeFile(path.Base(m.Path))), sum(m, content))
		},
		Row:    func(m *adapter.Migration) string { return "version = " + m.Version },
		Order:  "version",
		Missed: "sqlx stops with \"was previously applied but is missing\"",
		// The library's Migrator takes this lock; its command-line program takes none.
		Locks: func(database, _, _ string) []int64 {
			return []int64{lockSalt * adapter.SaltedLock(1, database)}
		},
	}
}

// describeFile returns the description that sqlx derives from a file's name.
func describeFile(name string) string {
	_, rest, _ := strings.Cut(name, "_")
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(rest, ".sql"), ".up"), "_", " ")
}
