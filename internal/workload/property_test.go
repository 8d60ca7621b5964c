package workload

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/onward-sql/onward/internal/pgparse"
)

// marked draws a literal that holds the mark, in one of the spellings that there are.
func marked(t *rapid.T) string {
	const mark = "7770777"
	s := rapid.StringMatching(`[a-z ]{0,5}`).Draw(t, "around") + mark
	return fmt.Sprintf(rapid.SampledFrom([]string{
		"'%s'", "E'\\'%s'", "$$%s$$", "$q$'%s'$q$", "N'%s'", "U&'%s'", "'a'\n'%s'", "'it''s %s'", "'--%s'", "'/*%s'",
		"interval '%s'", "'%s'::text", "CAST('%s' AS varchar(20))", "timestamp with time zone '%s'", "jsonb '%s'", "U&'%s' UESCAPE '!'",
	}).Draw(t, "spelling"), s)
}

func number(t *rapid.T) string {
	return rapid.SampledFrom([]string{"7770777", "-7770777", "7770777.5", "1.7770777", "7770777e3", "77707770000", "- 7770777", "(7770777)"}).Draw(t, "number")
}

func value(t *rapid.T) string {
	switch rapid.IntRange(0, 3).Draw(t, "value") {
	case 0:
		return marked(t)
	case 1:
		return number(t)
	case 2:
		return fmt.Sprintf("f(%s, %s)", marked(t), number(t))
	}
	return fmt.Sprintf("coalesce(a, %s) || %s", number(t), marked(t))
}

func values(t *rapid.T) string {
	var list []string
	for range rapid.IntRange(1, 4).Draw(t, "many") {
		list = append(list, value(t))
	}
	return strings.Join(list, rapid.SampledFrom([]string{",", " , ", ", /* 7770777 */ "}).Draw(t, "comma"))
}

// drawn are statements with a %v for a value, and %l for a list of them.
var drawn = []string{
	"SELECT %l", "SELECT a FROM t WHERE b = %v AND c IN (%l) LIMIT %v", "SELECT a + %v FROM t GROUP BY a + %v ORDER BY %v",
	"INSERT INTO t VALUES (%v, NULL), (%v, %v) ON CONFLICT (a) DO UPDATE SET a = %v", "UPDATE t SET a = %v WHERE b BETWEEN %v AND %v",
	"DELETE FROM t WHERE a = ANY(ARRAY[%l]) -- %v", "SELECT * FROM (VALUES (%v), (%v)) v WHERE v.a > %v", "CALL p(%l)",
	"EXPLAIN SELECT %v", "PREPARE p AS SELECT %l", "EXECUTE p(%l)", "DECLARE c CURSOR FOR SELECT %v", "COPY (SELECT %v) TO STDOUT (DELIMITER %v)",
	"SET x.y = %v", "SET x.y = 'a', '7770777'", "NOTIFY c, '7770777'", "COMMENT ON TABLE t IS '7770777'", "CREATE ROLE r PASSWORD '7770777'",
	"CREATE TABLE t (a text DEFAULT %v, CHECK (a <> %v))", "CREATE VIEW v AS SELECT %l", "DO $$ BEGIN PERFORM '7770777'; END $$", "SELEC %l FROM", "'7770777",
	"SELECT $$7770777", "SELECT %l; SELECT %v", "SELECT a FROM t WHERE %v /* 7770777", "ALTER SYSTEM SET x = %v", "GRANT a TO b; SELECT 'x7770777",
	"SELECT CASE WHEN a = %v THEN %v ELSE %v END, extract('7770777' from b), (%v)::numeric(10,2)", "MERGE INTO t USING u ON a = %v WHEN MATCHED THEN UPDATE SET a = %v",
	"SELECT * FROM json_table(%v, '$.a ? (@ == \"7770777\")' COLUMNS (x int PATH '$' DEFAULT 7770777 ON EMPTY))",
}

// TestNoLiteralStays checks that Normalise and Lexical leave no value of a statement in the
// text, whatever surrounds it, and that a second pass changes nothing.
func TestNoLiteralStays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sql := regexp.MustCompile("%[vl]").ReplaceAllStringFunc(rapid.SampledFrom(drawn).Draw(t, "statement"), func(s string) string {
			if s == "%l" {
				return values(t)
			}
			return value(t)
		})
		if cut := rapid.IntRange(0, 9).Draw(t, "cut"); cut == 0 {
			sql = sql[:rapid.IntRange(0, len(sql)).Draw(t, "at")]
		}
		n := Normalize(sql)
		for _, text := range []string{n.SQL, string(AppendLexicalKey(nil, sql)), n.Unread} {
			if strings.Contains(text, "7770777") {
				t.Fatalf("%s\nkeeps its value in\n%s", sql, text)
			}
		}
		if renormalized := Normalize(n.SQL); renormalized.SQL != n.SQL {
			t.Fatalf("%s\n%s\nagain: %s", sql, n.SQL, renormalized.SQL)
		}
	})
}

// FuzzNormalise checks that no text causes a panic, that a second pass changes nothing, and that
// no literal of more than three characters stays unless Postgres requires one.
func FuzzNormalise(f *testing.F) {
	for _, sql := range drawn {
		f.Add(strings.NewReplacer("%v", "'value'", "%l", "1, 'x', -2").Replace(sql))
	}
	f.Add("SELECT $'x'$ 5")
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 4096 {
			return
		}
		n := Normalize(sql)
		if renormalized := Normalize(n.SQL); renormalized.SQL != n.SQL {
			t.Fatalf("%q\n%q\nagain: %q", sql, n.SQL, renormalized.SQL)
		}
		AppendLexicalKey(nil, sql)
		if keptLiterals.MatchString(sql) {
			return
		}
		for offset := 0; ; {
			l := pgparse.NextLexeme(n.SQL, offset)
			if l.Kind == pgparse.LexemeEnd {
				return
			}
			if offset = l.End; (l.Kind == pgparse.LexemeString || l.Kind == pgparse.LexemeNumber) && l.End-l.Start > 5 {
				t.Fatalf("%q\n%q keeps %q", sql, n.SQL, n.SQL[l.Start:l.End])
			}
		}
	})
}

// keptLiterals matches the places that allow only literals: the arbiter of an upsert, the mark of a
// cycle, paths of JSON_TABLE, the brackets of a type or a time, the number of a column.
var keptLiterals = regexp.MustCompile(`(?i)conflict|cycle|json|\bby\b|\bdistinct\b|::|\bas\b|current_|local|interval|'|\w\s*\(`)
