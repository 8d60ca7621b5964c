package sqlx

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
)

const (
	table   = "_sqlx_migrations"
	columns = `(version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)`
	// lockSalt is a constant of sqlx (generate_lock_id).
	lockSalt = 0x3d32ad9e
)

// count describes sqlx's table _sqlx_migrations. The checksum is the SHA-384 of the unchanged file.
var count = &adapter.Count{
	Table: table,
	Make:  func(table string) string { return "CREATE TABLE " + table + " " + columns },
	Read: func(table string) string {
		return "SELECT version::text, encode(checksum, 'hex'), NOT success FROM " + table
	},
	Key: func(m *adapter.Migration) string { return m.Version },
	Sum: func(_ *adapter.Migration, content []byte) string { return fileChecksum(content) },
	Write: func(table string, m *adapter.Migration, content []byte) string {
		return fmt.Sprintf("INSERT INTO %s (version, description, success, checksum, execution_time) VALUES (%s, %s, true, decode('%s', 'hex'), 0)",
			table, m.Version, pgparse.QuoteLiteral(describeFile(path.Base(m.Path))), fileChecksum(content))
	},
	Row:    func(m *adapter.Migration) string { return "version = " + m.Version },
	Order:  "version",
	Missed: "sqlx stops with \"was previously applied but is missing\"",
	// The library's Migrator takes this lock; its command-line program takes none.
	Locks: func(database, _, _ string) []int64 {
		return []int64{lockSalt * adapter.SaltedLock(1, database)}
	},
}

func fileChecksum(content []byte) string {
	hash := sha512.Sum384(content)
	return hex.EncodeToString(hash[:])
}

// describeFile returns the description that sqlx derives from a file's name.
func describeFile(name string) string {
	_, rest, _ := strings.Cut(name, "_")
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(rest, ".sql"), ".up"), "_", " ")
}
