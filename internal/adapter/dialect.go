package adapter

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Databases whose migrations stand beside Postgres' own in many repositories,
// by the name of their directory.
var foreignDirs = map[string]string{
	"mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "sqlite3": "SQLite", "libsql": "SQLite",
	"clickhouse": "ClickHouse", "mssql": "SQL Server", "sqlserver": "SQL Server", "oracle": "Oracle",
	"spanner": "Spanner", "snowflake": "Snowflake", "bigquery": "BigQuery", "duckdb": "DuckDB",
	"cassandra": "Cassandra", "d1": "SQLite", "hsqldb": "HSQLDB", "h2": "H2", "derby": "Derby", "db2": "Db2",
	"cockroach": cockroachDB, "cockroachdb": cockroachDB, "crdb": cockroachDB,
}

// cockroachDB speaks the SQL of Postgres, and locks otherwise: the text of its
// migrations does not tell them from Postgres' own.
const cockroachDB = "CockroachDB"

var (
	// What another database's SQL has and Postgres' grammar refuses.
	// words are in lower case; without one of them the pattern is not tried.
	foreignText = []struct {
		database string
		words    []string
		pattern  *regexp.Regexp
	}{
		{"ClickHouse", []string{"engine=", "engine ="}, regexp.MustCompile(`(?i)\bENGINE\s*=\s*\w*(MergeTree|Log|Distributed|Kafka)\b`)},
		{"MySQL", []string{"auto_increment", "engine=", "engine =", "`"}, regexp.MustCompile("(?i)\\bAUTO_INCREMENT\\b|\\bENGINE\\s*=\\s*(InnoDB|MyISAM|MEMORY)\\b|\\b(TABLE|INTO|COLUMN|UPDATE|FROM|EXISTS)\\s+`\\w+`")},
		{"SQLite", []string{"autoincrement", "pragma", "rowid", "insert or", "strict"}, regexp.MustCompile(`(?i)\bAUTOINCREMENT\b|\)\s*STRICT\s*;|\bINSERT\s+OR\s+(IGNORE|REPLACE|ABORT|FAIL|ROLLBACK)\b|^\s*PRAGMA\s+\w+|\bWITHOUT\s+ROWID\b`)},
		{"SQL Server", []string{"identity(", "identity (", "nvarchar", "\ngo", "[dbo]"}, regexp.MustCompile(`(?i)\bIDENTITY\s*\(\s*\d+\s*,\s*\d+\s*\)|\bNVARCHAR\b|(?m)^GO\s*$|\[dbo\]\.`)},
		{"Oracle", []string{"varchar2", "number(", "number ("}, regexp.MustCompile(`(?i)\b(VARCHAR2|NUMBER\s*\(\s*\d+)\b`)},
	}
	// What only Postgres' SQL has.
	postgresText = regexp.MustCompile(`(?i)\b(jsonb|timestamptz|bigserial|serial|plpgsql|bytea|tsvector|concurrently|text\[\])\b|\$\$|\w::\w|\bUSING\s+(gin|gist|brin)\b|\bNOT\s+VALID\b|\bCREATE\s+EXTENSION\b`)
	partOfName   = regexp.MustCompile(`mysql|sqlite|clickhouse|mariadb`)
)

// foreignDatabase tells for which other database a directory's migrations
// are; "" for Postgres, and when nothing tells.
func foreignDatabase(t Tree, s Source) string {
	byName, byPart := "", false
	for part := range strings.SplitSeq(strings.ToLower(s.Dir), "/") {
		for token := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
			if slices.Contains(forPostgres, token) {
				return ""
			}
			if db := foreignDirs[token]; db != "" {
				byName = db
			}
			byPart = byPart || partOfName.MatchString(token)
		}
	}
	if byName == cockroachDB {
		return byName
	}
	d, n := ListDir(t, s.Dir, ".sql"), 6
	if besidePostgres(t, s.Dir) {
		n = 60
	}
	files := ReadFiles(t, d, Sample(d.Names, n))
	byText := ""
	for _, f := range files {
		if byText = foreignSQL(f.Text); byText != "" {
			break
		}
	}
	if byText == "" && byName == "" {
		return ""
	}
	own := slices.ContainsFunc(files, func(f *File) bool { return postgresText.MatchString(withoutComments(f.Text)) })
	switch {
	case byText != "" && byPart: // jsonb is a word in SQLite too
		return byText
	case own:
		return ""
	case byName != "":
		return byName
	}
	return byText
}

// besidePostgres reports whether Postgres' own migrations stand in a directory
// beside this one, which by its name is for something else: what it is needs a
// closer look.
func besidePostgres(t Tree, dir string) bool {
	own := Once(t, "Postgres' own", func() []string {
		var out []string
		for _, d := range Dirs(t, ".sql") {
			if slices.Contains(forPostgres, strings.ToLower(path.Base(d.Path))) {
				out = append(out, d.Path)
			}
		}
		return out
	})
	return slices.ContainsFunc(own, func(p string) bool { return p != dir && path.Dir(p) == path.Dir(dir) })
}

// telling is how much of a file is looked at, bytes: a file shows early which
// database it is for.
const telling = 16 << 10

// foreignSQL tells which other database a text is for; "" when nothing tells.
func foreignSQL(text string) string {
	lower := strings.ToLower(text[:min(len(text), telling)])
	for _, x := range foreignText {
		if slices.ContainsFunc(x.words, func(w string) bool { return strings.Contains(lower, w) }) &&
			x.pattern.MatchString(withoutComments(text)) {
			return x.database
		}
	}
	return ""
}

// withoutComments is the beginning of a text without its line comments.
func withoutComments(text string) string {
	text = text[:min(len(text), telling)]
	var b strings.Builder
	for {
		before, comment, found := strings.Cut(text, "--")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := strings.IndexByte(comment, '\n')
		if end < 0 {
			return b.String()
		}
		text = comment[end:]
	}
}
