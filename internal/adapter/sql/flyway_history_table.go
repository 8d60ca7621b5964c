package sql

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

const (
	flywayTable   = "flyway_schema_history"
	flywayColumns = `(installed_rank integer PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL)`
	// flywayLock is Flyway's constant (PostgreSQLAdvisoryLockTemplate), to which it adds Java's hash
	// of the table's name.
	flywayLock = 77431708279161
	// flywayRepeated precedes the description of a repeatable migration, and both are its key.
	flywayRepeated = "R "
)

// describeFlywayTable describes Flyway's table: it has a row for each run. The last row of a version counts,
// and a baseline means that all up to its version are applied. A repeatable migration runs again
// when its checksum changes.
func describeFlywayTable(c flywaySettings, h adapter.HistoryBehavior, s adapter.Source) *adapter.Count {
	out := &adapter.Count{
		Table: flywayTable,
		Make: func(table string) string {
			return "CREATE TABLE " + table + " " + flywayColumns + "; CREATE INDEX flyway_schema_history_s_idx ON " + table + " (success)"
		},
		NotEmptyError: "Flyway refuses a schema that has something and no history, or takes it for its baseline: " +
			"run flyway baseline, or flyway migrate, once",
		Read: func(table string) string {
			return "SELECT key, coalesce(checksum::text, ''), NOT success FROM (SELECT DISTINCT ON (key) * FROM (SELECT *, coalesce(version, '" + flywayRepeated +
				"' || description) AS key FROM " + table +
				" WHERE type NOT IN ('SCHEMA', 'TABLE', 'BASELINE', 'SQL_BASELINE')) AS rows" +
				" ORDER BY key, installed_rank DESC) AS last WHERE type NOT LIKE 'UNDO%' AND type <> 'DELETE'"
		},
		Base: func(table string) string {
			return "SELECT version FROM " + table + " WHERE type IN ('BASELINE', 'SQL_BASELINE') AND success ORDER BY installed_rank DESC LIMIT 1"
		},
		Upto: func(m *adapter.Migration, key string) bool {
			return !m.Repeatable && !strings.HasPrefix(key, flywayRepeated) &&
				slices.CompareFunc(flywayVersionParts(m.Version), flywayVersionParts(key), adapter.CompareNatural) <= 0
		},
		Same: normalizeFlywayKey,
		Key:  flywayKey,
		Sum:  recordedFlywayChecksum,
		Write: func(table string, m *adapter.Migration, content []byte) string {
			version := "NULL"
			if !m.Repeatable {
				version = pgparse.QuoteLiteral(strings.ReplaceAll(m.Version, "_", "."))
			}
			return fmt.Sprintf("INSERT INTO %s (installed_rank, version, description, type, script, checksum, installed_by, execution_time, "+
				"success) SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, 'SQL', %s, %d, current_user, 0, true FROM %[1]s",
				table, version, pgparse.QuoteLiteral(flywayDescription(m)), pgparse.QuoteLiteral(flywayScript(s, m)), flywayChecksum(content))
		},
		Row: func(m *adapter.Migration) string {
			return "script = " + pgparse.QuoteLiteral(flywayScript(s, m)) + " AND success"
		},
		Order:  "installed_rank",
		Missed: h.Deleted,
		Locks: func(_, schema, table string) []int64 {
			return []int64{flywayLock + javaHash(`"`+schema+`"."`+table+`"`)}
		},
	}
	if !c.outOfOrder {
		out.Late = h.OutOfOrder
	}
	if c.unvalidated {
		out.Sum = func(m *adapter.Migration, content []byte) string {
			if !m.Repeatable {
				return ""
			}
			return recordedFlywayChecksum(m, content)
		}
	}
	if c.elsewhere {
		out.Make = nil
	}
	return out
}

// flywayScript returns a migration's file as Flyway records it: relative to its location.
func flywayScript(s adapter.Source, m *adapter.Migration) string {
	for _, dir := range s.Dirs() {
		if script, in := strings.CutPrefix(m.Path, dir+"/"); in {
			return script
		}
	}
	return m.Path
}

// javaHash returns what Java's String.hashCode returns for a text.
func javaHash(text string) int64 {
	var h int32
	for _, c := range utf16.Encode([]rune(text)) {
		h = 31*h + int32(c)
	}
	return int64(h)
}

// flywayVersionParts returns the parts of a version, without zeros that mean nothing.
func flywayVersionParts(version string) []string {
	parts := versionParts(version)
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// normalizeFlywayKey returns a key in the form that Flyway compares: 1 is 1.0 and 01.
func normalizeFlywayKey(key string) string {
	if strings.HasPrefix(key, flywayRepeated) {
		return key
	}
	return strings.Join(flywayVersionParts(key), ".")
}

func flywayKey(m *adapter.Migration) string {
	if m.Repeatable {
		return flywayRepeated + flywayDescription(m)
	}
	return normalizeFlywayKey(m.Version)
}

func flywayDescription(m *adapter.Migration) string {
	_, rest, _ := strings.Cut(strings.TrimSuffix(path.Base(m.Path), ".sql"), "__")
	return strings.ReplaceAll(rest, "_", " ")
}

var flywayPlaceholder = []byte("${")

// recordedFlywayChecksum returns the checksum in the table; "" for a repeatable migration with placeholders,
// whose checksum covers the text with their values.
func recordedFlywayChecksum(m *adapter.Migration, content []byte) string {
	if m.Repeatable && bytes.Contains(content, flywayPlaceholder) {
		return ""
	}
	return strconv.Itoa(int(flywayChecksum(content)))
}

// flywayChecksum returns the CRC-32 of the lines, without their ends and without a byte order mark.
func flywayChecksum(content []byte) int32 {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	content = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\r"), nil), []byte("\n"), nil)
	return int32(crc32.ChecksumIEEE(content)) //nolint:gosec // Flyway keeps it so
}

var (
	flywayCallback = lazyregexp.New(`^(?:(?:before|after)(?:Migrate|EachMigrate|Versioned|Repeatables|Validate|Connect|CreateSchema)\w*|createSchema)(?:__.*)?\.sql$`)
	flywayProgram  = lazyregexp.New(`^(?:V(\d+(?:_\d+)*)|R)__(\w+)\.(java|kt|groovy|scala)$`)
	flywayListener = lazyregexp.New(`(?i)callback.*\.(?:java|kt|groovy|scala)$`)
	// flywayOther matches settings of a FILE.sql.conf other than whether it runs in a transaction.
	flywayOther = lazyregexp.New(`(?m)^\s*(shouldExecute|placeholderReplacement|encoding)\s*=`)
)

// listFlywayOnlyFiles lists what only Flyway itself can run in a source.
func listFlywayOnlyFiles(t adapter.Tree, set *adapter.Set) []adapter.Beyond {
	var out []adapter.Beyond
	for _, m := range set.Migrations {
		text := m.Source.Text
		if m.Source.Written != "" {
			text = m.Source.Written
		}
		if strings.Contains(text, string(flywayPlaceholder)) {
			out = append(out, adapter.Beyond{Path: m.Path, Key: flywayKey(m), What: "a migration with placeholders"})
		} else if m.Baseline {
			out = append(out, adapter.Beyond{Path: m.Path, Key: flywayKey(m), What: "a baseline migration"})
		}
		if conf := m.Path + ".conf"; adapter.HasFile(t, conf) && flywayOther.MatchString(adapter.ReadFile(t, conf).Text) {
			out = append(out, adapter.Beyond{Path: conf, Key: flywayKey(m), What: "a setting of one migration"})
		}
	}
	for _, name := range adapter.FilesOf(t, set.Source) {
		if flywayCallback.MatchString(path.Base(name)) {
			out = append(out, adapter.Beyond{Path: path.Join(set.Source.Dir, name), What: "a callback, which Flyway runs around migrations"})
		}
	}
	// Programs are not in the directory of resources, but in one next to it.
	project, _, found := strings.Cut("/"+set.Source.Dir, "/src/")
	if project = strings.TrimPrefix(project+"/", "/"); !found {
		project = ""
	}
	for _, p := range t.Paths() {
		base := path.Base(p)
		if !strings.HasPrefix(p, project) || strings.Contains("/"+p, "/src/test/") {
			continue
		}
		if m := flywayProgram.FindStringSubmatch(base); m != nil {
			key := flywayRepeated + strings.ReplaceAll(m[2], "_", " ")
			if m[1] != "" {
				key = normalizeFlywayKey(m[1])
			}
			out = append(out, adapter.Beyond{Path: p, Key: key, What: "a migration that is a program (" + languages["."+m[3]] + ")"})
		} else if flywayListener.MatchString(base) {
			if text, err := t.Read(p); err == nil && bytes.Contains(text, []byte("org.flywaydb.core.api.callback")) {
				out = append(out, adapter.Beyond{Path: p, What: "a callback, which Flyway runs around migrations"})
			}
		}
	}
	return out
}
