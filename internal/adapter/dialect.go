package adapter

import (
	"regexp"
	"strings"
)

// Databases whose migrations stand beside Postgres' own in many repositories,
// by the name of their directory.
var foreignDirs = map[string]string{
	"mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "sqlite3": "SQLite", "libsql": "SQLite",
	"clickhouse": "ClickHouse", "mssql": "SQL Server", "sqlserver": "SQL Server", "oracle": "Oracle",
	"spanner": "Spanner", "snowflake": "Snowflake", "bigquery": "BigQuery", "duckdb": "DuckDB",
	"cassandra": "Cassandra", "d1": "SQLite",
}

var (
	// What another database's SQL has and Postgres' grammar refuses.
	foreignText = []struct {
		database string
		pattern  *regexp.Regexp
	}{
		{"ClickHouse", regexp.MustCompile(`(?i)\bENGINE\s*=\s*\w*(MergeTree|Log|Distributed|Kafka)\b`)},
		{"MySQL", regexp.MustCompile("(?i)\\bAUTO_INCREMENT\\b|\\bENGINE\\s*=\\s*(InnoDB|MyISAM|MEMORY)\\b|\\b(TABLE|INTO|COLUMN|UPDATE|FROM|EXISTS)\\s+`\\w+`")},
		{"SQLite", regexp.MustCompile(`(?i)\bAUTOINCREMENT\b|^\s*PRAGMA\s+\w+|\bWITHOUT\s+ROWID\b`)},
		{"SQL Server", regexp.MustCompile(`(?i)\bIDENTITY\s*\(\s*\d+\s*,\s*\d+\s*\)|\bNVARCHAR\b|(?m)^GO\s*$|\[dbo\]\.`)},
		{"Oracle", regexp.MustCompile(`(?i)\b(VARCHAR2|NUMBER\s*\(\s*\d+)\b`)},
	}
	// What only Postgres' SQL has.
	postgresText = regexp.MustCompile(`(?i)\b(jsonb|timestamptz|bigserial|serial|plpgsql|bytea|tsvector|concurrently|text\[\])\b|\$\$|\w::\w|\bUSING\s+(gin|gist|brin)\b|\bNOT\s+VALID\b|\bCREATE\s+EXTENSION\b`)
	partOfName   = regexp.MustCompile(`mysql|sqlite|clickhouse|mariadb`)
	lineComment  = regexp.MustCompile(`(?m)--.*$`)
)

// foreignDatabase tells for which other database a directory's migrations
// are; "" for Postgres, and when nothing tells.
func foreignDatabase(t Tree, s Source) string {
	byName, byPart := "", false
	for part := range strings.SplitSeq(strings.ToLower(s.Dir), "/") {
		for token := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
			switch token {
			case "postgres", "postgresql", "pg", "pgsql", "psql":
				return ""
			}
			if db := foreignDirs[token]; db != "" {
				byName = db
			}
			byPart = byPart || partOfName.MatchString(token)
		}
	}
	d := ListDir(t, s.Dir, ".sql")
	byText, own := "", false
	for _, f := range ReadFiles(t, d, Sample(d.Names, 8)) {
		text := lineComment.ReplaceAllString(f.Text[:min(len(f.Text), 64<<10)], "")
		own = own || postgresText.MatchString(text)
		for _, x := range foreignText {
			if byText == "" && x.pattern.MatchString(text) {
				byText = x.database
			}
		}
	}
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
