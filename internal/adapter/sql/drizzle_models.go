package sql

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	// drizzleTable matches the beginning of a table in Drizzle's schema, up to its
	// columns: export const users = pgTable("users", {
	drizzleTable = lazyregexp.New("\\b(\\w+)\\s*=\\s*(?:\\w+\\.table|pgTable)\\(\\s*[\"'`](\\w+)[\"'`]\\s*,\\s*(?:\\(?\\w*\\)?\\s*=>\\s*\\(?)?\\{")
	// drizzleColumn matches one of its columns: createdAt: timestamp("created_at"), or
	// one without the name.
	drizzleColumn = lazyregexp.New("^[\"']?(\\w+)[\"']?\\s*:\\s*\\w+(?:\\.\\w+)?\\(\\s*(?:[\"'`](\\w+)[\"'`])?")
)

// Limits of how much is read to find Drizzle's schema.
const (
	maxSchemaFiles = 300
	maxSchemaSize  = 1 << 20
)

// readDrizzleModels reads the tables that a program declares to Drizzle, whose queries name
// every column of them. They may be anywhere in a program: it reads files called schema
// and files in a directory for the database. The tables count as unmanaged, because this
// code does not see whether a column has its name in camel case.
func readDrizzleModels(t adapter.Tree) []adapter.Model {
	var out []adapter.Model
	read := 0
	for _, p := range t.Paths() {
		if !isSchemaFile(p) {
			continue
		}
		if read++; read > maxSchemaFiles {
			break
		}
		if text, err := t.Read(p); err == nil && len(text) <= maxSchemaSize {
			out = append(out, parseDrizzleTables(p, string(text))...)
		}
	}
	return out
}

// isSchemaFile reports whether a file is TypeScript that may hold a schema.
func isSchemaFile(p string) bool {
	name := path.Base(p)
	if path.Ext(name) != ".ts" || strings.HasSuffix(name, ".d.ts") || strings.Contains(name, ".test.") || strings.Contains(name, ".spec.") {
		return false
	}
	if strings.Contains(strings.ToLower(name), "schema") {
		return true
	}
	for part := range strings.SplitSeq(path.Dir(p), "/") {
		switch part {
		case "node_modules", "test", "tests", "__tests__":
			return false
		}
	}
	for part := range strings.SplitSeq(path.Dir(p), "/") {
		switch part {
		case "schema", "schemas", "db", "database", "drizzle", "tables", "models", "entities":
			return true
		}
	}
	return false
}

func parseDrizzleTables(file, text string) []adapter.Model {
	var out []adapter.Model
	for _, m := range drizzleTable.FindAllStringSubmatchIndex(text, -1) {
		line := func(offset int) int { return 1 + strings.Count(text[:offset], "\n") }
		model := adapter.Model{Name: text[m[2]:m[3]], Table: text[m[4]:m[5]], Path: file, Line: line(m[0]), Unmanaged: true}
		eachEntry(text[m[1]:], func(offset int) {
			c := drizzleColumn.FindStringSubmatch(text[m[1]+offset:])
			if c == nil {
				return // spread, or another kind of entry
			}
			field := adapter.ModelColumn{Field: c[1], Column: c[2], Line: line(m[1] + offset)}
			if field.Column == "" {
				// The setting casing: "snake_case" is in the code that opens the
				// connection, so both names count.
				field.Column = c[1]
				if snake := snakeCase(c[1]); snake != c[1] {
					model.Columns = append(model.Columns, adapter.ModelColumn{Field: c[1], Column: snake, Line: field.Line})
				}
			}
			model.Columns = append(model.Columns, field)
		})
		out = append(out, model)
	}
	return out
}

// eachEntry calls found with the start of each entry of a TypeScript object. The text
// starts after its opening brace.
func eachEntry(text string, found func(offset int)) {
	depth, fresh := 0, true
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			continue
		case '/':
			if n := commentLength(text[i:]); n > 0 {
				i += n - 1
				continue
			}
		case '"', '\'', '`':
			if fresh && depth == 0 {
				found(i)
			}
			fresh = false
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			continue
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return
			}
		case ',':
			if depth == 0 {
				fresh = true
				continue
			}
		}
		if fresh && depth == 0 {
			found(i)
		}
		fresh = false
	}
}

// commentLength returns the length of the comment that a text begins with; 0 for none.
func commentLength(text string) int {
	switch {
	case strings.HasPrefix(text, "//"):
		if n := strings.IndexByte(text, '\n'); n >= 0 {
			return n
		}
		return len(text)
	case strings.HasPrefix(text, "/*"):
		if n := strings.Index(text, "*/"); n >= 0 {
			return n + 2
		}
		return len(text)
	}
	return 0
}

// snakeCase converts createdAt to created_at.
func snakeCase(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
