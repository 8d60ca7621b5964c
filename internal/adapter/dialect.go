package adapter

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Directory names of other databases, whose migrations are next to Postgres' own in many
// repositories.
var foreignDirs = map[string]string{
	"mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "sqlite3": "SQLite", "libsql": "SQLite",
	"clickhouse": "ClickHouse", "mssql": "SQL Server", "sqlserver": "SQL Server", "oracle": "Oracle",
	"spanner": "Spanner", "snowflake": "Snowflake", "bigquery": "BigQuery", "duckdb": "DuckDB",
	"cassandra": "Cassandra", "d1": "SQLite", "hsqldb": "HSQLDB", "h2": "H2", "derby": "Derby", "db2": "Db2",
	"cockroach": cockroachDB, "cockroachdb": cockroachDB, "crdb": cockroachDB,
}

// cockroachDB speaks the SQL of Postgres but locks differently. The text of its migrations does
// not distinguish them from Postgres' own.
const cockroachDB = "CockroachDB"

var (
	// SQL that other databases have and Postgres' grammar refuses. words are in lower case; if a
	// text has none of them, the pattern is not tried.
	foreignText = []struct {
		database string
		words    []string
		pattern  *lazyregexp.Regexp
	}{
		{"ClickHouse", []string{"engine=", "engine ="}, lazyregexp.New(`(?i)\bENGINE\s*=\s*\w*(MergeTree|Log|Distributed|Kafka)\b`)},
		{
			"MySQL", []string{"auto_increment", "engine=", "engine =", "`", "delimiter"},
			lazyregexp.New("(?i)(?m:^DELIMITER\\s+\\S+\\s*$)|\\bAUTO_INCREMENT\\b|\\bENGINE\\s*=\\s*(InnoDB|MyISAM|MEMORY)\\b|" +
				"\\b(TABLE|INTO|COLUMN|UPDATE|FROM|EXISTS)\\s+\\\\?`\\w+\\\\?`"),
		},
		{
			"SQLite", []string{"autoincrement", "pragma", "rowid", "insert or", "strict"},
			// autoIncrement is an option of Sequelize for every database.
			lazyregexp.New(`(?i)(?-i:\bAUTOINCREMENT\b|\bautoincrement\b|\bautoIncrement\(\))|\)\s*STRICT\s*;|` +
				`\bINSERT\s+OR\s+(IGNORE|REPLACE|ABORT|FAIL|ROLLBACK)\b|^\s*PRAGMA\s+\w+|\bWITHOUT\s+ROWID\b`),
		},
		{
			"SQL Server", []string{"identity(", "identity (", "nvarchar", "\ngo", "[dbo]"},
			lazyregexp.New(`(?i)\bIDENTITY\s*\(\s*\d+\s*,\s*\d+\s*\)|\bNVARCHAR\b|(?m)^GO\s*$|\[dbo\]\.`),
		},
		{"Oracle", []string{"varchar2", "number(", "number ("}, lazyregexp.New(`(?i)\b(VARCHAR2|NUMBER\s*\(\s*\d+)\b`)},
	}
	// SQL that only Postgres has, and SQL that others have in another sense: MySQL's SERIAL and DELIMITER $$, methods of types of SQL Server.
	postgresText = lazyregexp.New(`(?i)\b(jsonb|timestamptz|bigserial|plpgsql|bytea|tsvector|concurrently|text\[\])\b|` +
		`\bUSING\s+(gin|gist|brin)\b|\bNOT\s+VALID\b|\bCREATE\s+EXTENSION\b`)
	sharedText = lazyregexp.New(`(?i)\bserial\b|\$\$|\w::\w`)
	partOfName = lazyregexp.New(`mysql|sqlite|clickhouse|mariadb`)
)

// ScriptEndings are the file endings of JavaScript and TypeScript. In their templates a backtick of SQL has a backslash.
var ScriptEndings = []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs"}

// foreignDatabase returns the other database that a directory's migrations are for; "" if it is
// Postgres or nothing tells.
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
	if len(d.Names) == 0 {
		d = ListDir(t, s.Dir, ScriptEndings...)
	}
	if isBesidePostgres(t, s.Dir) {
		n = 60
	}
	if len(d.Names) == 0 { // a directory for each migration
		d = Dir{Path: s.Dir}
		for _, p := range FilesBelow(t, s.Dir) {
			if strings.HasSuffix(p, ".sql") {
				d.Names = append(d.Names, strings.TrimPrefix(p, s.Dir+"/"))
			}
		}
	}
	files := ReadFiles(t, d, SampleNames(d.Names, n))
	byText := ""
	for _, f := range files {
		byText = cmp.Or(byText, detectForeignSQL(f.Text))
	}
	if byText == "" && byName == "" {
		byName = foreignGoDatabase(t, &s, d)
	}
	if byText == "" && byName == "" {
		return ""
	}
	hasPostgresSQL := slices.ContainsFunc(files, func(f *File) bool { return isPostgresSQL(f.Text) })
	switch {
	case byText != "" && byPart: // jsonb is a word in SQLite too
		return byText
	case hasPostgresSQL:
		return ""
	case byName != "":
		return byName
	}
	return byText
}

// DialectDatabase returns the database other than Postgres whose SQL a text has; "" for none.
func DialectDatabase(text string) string {
	if isPostgresSQL(text) {
		return ""
	}
	return detectForeignSQL(text)
}

// isPostgresSQL reports whether a text has SQL of Postgres.
func isPostgresSQL(text string) bool {
	bare := stripLineComments(text)
	return postgresText.MatchString(bare) || sharedText.MatchString(bare) && detectForeignSQL(text) == ""
}

// DatabaseNamed returns the database other than Postgres that the names in a directory's path
// mention; "" for none.
func DatabaseNamed(dir string) string {
	found := ""
	for part := range strings.SplitSeq(strings.ToLower(dir), "/") {
		for token := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
			if slices.Contains(forPostgres, token) {
				return ""
			}
			if db := foreignDirs[token]; db != "" {
				found = db
			}
		}
	}
	return found
}

// ReadDatabase returns the database that a setting of a tool names: "mysql" is MySQL. foreign is "" for Postgres, and for a name that is not known.
func ReadDatabase(setting string) (foreign string, isPostgres bool) {
	setting = strings.ToLower(setting)
	return foreignDirs[setting], slices.Contains(forPostgres, setting)
}

// isBesidePostgres reports whether a directory next to this one has Postgres' own migrations by its
// name. This one, by its name, is for something else, so more of its files are read.
func isBesidePostgres(t Tree, dir string) bool {
	postgresDirs := Memoize(t, "Postgres' own", func() []string {
		var out []string
		for _, d := range ListDirs(t, ".sql") {
			if slices.Contains(forPostgres, strings.ToLower(path.Base(d.Path))) {
				out = append(out, d.Path)
			}
		}
		return out
	})
	return slices.ContainsFunc(postgresDirs, func(p string) bool { return p != dir && path.Dir(p) == path.Dir(dir) })
}

// telling is how many bytes of a file are searched: a file shows early which database it is for.
const telling = 16 << 10

// detectForeignSQL returns the other database that a text is for; "" if nothing tells.
func detectForeignSQL(text string) string {
	lower := strings.ToLower(text[:min(len(text), telling)])
	for _, x := range foreignText {
		if slices.ContainsFunc(x.words, func(w string) bool { return strings.Contains(lower, w) }) &&
			x.pattern.MatchString(stripLineComments(text)) {
			return x.database
		}
	}
	return ""
}

// stripLineComments returns the beginning of a text without its line comments.
func stripLineComments(text string) string {
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
